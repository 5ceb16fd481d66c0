"""screenshots takes the pictures of the console in docs/pictures, from the demo's people and providers."""
