"""Country packs: what a country decides, as data, with the readers that deploy and its tools need."""
