"""How loops wait for the stop of the process, or for work that another task of the process has created. The packages
events and chassis use it; it uses neither."""
