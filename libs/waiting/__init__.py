"""How loops wait: for a stop, or for work that another task of the process has made. Below bus and chassis."""
