"""Reads announcements of flights and buses from JSON, CSV and XLSX."""
