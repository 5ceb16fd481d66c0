"""Ask for exports, decide about them, make their files, end them."""
