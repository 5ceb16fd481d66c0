"""After a restore: what this service and referral know of the same people, compared and mended."""
