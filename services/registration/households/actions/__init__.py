"""Households as they are joined and changed, and the claims of those who may not belong to one."""
