#!/bin/sh
# Runs once, when PostgreSQL starts on an empty volume: one database and one login per service, and one of its own for
# the keys of registration's sealed data. No login can connect to another's database. Passwords come from the environment.
set -eu

for name in registration registration_keys provider_directory referral notifications; do
  variable="$(printf '%s' "$name" | tr '[:lower:]' '[:upper:]')_PASSWORD"
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=name="$name" \
    --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" <<SQL
\\getenv password $variable
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
