"""The actions that take in operations of devices, keep conflicts, and resolve them."""
