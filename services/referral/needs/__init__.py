"""What people decide about a need: who owns it, that it is refused, closed or open again; and a returnee's journey."""
