-- Run once by the image of PostgreSQL, as its superuser, on an empty data directory: the ledger gets an owner who is
-- nothing else. That superuser ends without a password: it is let in by the socket inside the container only.
\set ON_ERROR_STOP on
\getenv password POSTGRES_PASSWORD
CREATE ROLE relay LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE relay OWNER relay;
REVOKE ALL ON DATABASE relay FROM PUBLIC;
ALTER ROLE postgres PASSWORD NULL;
