"""The simulation: days of flights and buses on an accelerated clock, with partners that often do not answer, as in
published figures."""
