"""What people wrote about a returnee, in one place, so that it can be wiped while the record of steps stays."""
