-- Two roles, so that whoever runs the product cannot alter the record: the owner migrates, the runtime works.
-- Run it as the owner of the tables after every `manage.py migrate`:
--   psql "$OWNER_URL" -v runtime=vidette_runtime -f deploy/postgresql/roles.sql
-- The role itself is made once, with a password of your own:
--   CREATE ROLE vidette_runtime LOGIN PASSWORD '…';
-- A table's owner can switch triggers off; the runtime role owns nothing.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"runtime";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"runtime";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :"runtime";
REVOKE ALL ON django_migrations FROM :"runtime";
GRANT SELECT ON django_migrations TO :"runtime";
REVOKE ALL ON audit_auditrecord, audit_audithead FROM :"runtime";
GRANT SELECT, INSERT ON audit_auditrecord TO :"runtime";
GRANT SELECT, UPDATE ON audit_audithead TO :"runtime";
