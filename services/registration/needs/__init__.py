"""What a returnee or a household lacks, as told; what becomes of it is for referral to say."""
