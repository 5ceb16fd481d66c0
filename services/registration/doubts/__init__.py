"""Parts of arrival events that broke a rule. They are set aside, so that the rest takes effect, until staff have
reviewed them."""
