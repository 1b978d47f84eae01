-- The roles that a dump speaks of, none of which can log in. A setting of a database must not get in the way of who fills it.
SELECT format('CREATE ROLE %I', role)
FROM (
  SELECT DISTINCT role
  FROM json_array_elements_text(convert_from(decode(:'roles', 'base64'), 'UTF8')::json) AS given(role)) AS wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
ORDER BY role
\gexec
ALTER ROLE postgres SET default_transaction_read_only = off;
ALTER ROLE postgres SET role = 'none';
