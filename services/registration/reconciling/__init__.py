"""After a restore: compares the data of this service and of referral about the same people, and corrects
differences."""
