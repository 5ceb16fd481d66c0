"""Manifests: people who are announced and whom staff have not met yet. Their names are used only to prepare the
reception, and are deleted after some days."""
