"""The simulation: days of flights and buses on an accelerated clock, with partners as silent as the field's."""
