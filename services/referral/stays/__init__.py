"""Who is somewhere for a limited time: exit plan, alarms, extensions, and who leaves with no next step."""
