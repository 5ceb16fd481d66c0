"""browser finds a Chromium for the tests of the console and for its pictures, or fetches one."""
