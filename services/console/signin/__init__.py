"""signin brings people in and out: OpenID Connect code flow, the session, the language."""
