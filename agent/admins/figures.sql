-- Who asks for figures of all databases: may look at what the server does, and at nothing in a project's database.
SELECT 'changed' WHERE NOT EXISTS (SELECT FROM pg_authid WHERE rolname = 'codeb_metrics' AND rolpassword = :'verifier');
SELECT 'CREATE ROLE codeb_metrics' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'codeb_metrics')
\gexec
SELECT format('ALTER ROLE codeb_metrics LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 5 PASSWORD %L', :'verifier')
WHERE NOT EXISTS (SELECT FROM pg_authid WHERE rolname = 'codeb_metrics' AND rolpassword = :'verifier' AND rolcanlogin)
\gexec
SELECT 'GRANT pg_monitor TO codeb_metrics' WHERE NOT pg_has_role('codeb_metrics', 'pg_monitor', 'MEMBER')
\gexec
