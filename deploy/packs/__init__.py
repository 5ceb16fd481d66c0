"""Country packs: the decisions of a country as data, and the code with which the programs in `deploy` read them."""
