-- A role that is nobody but the owner of one database, for a day: what a dump brings runs as that, never as the administrator,
-- who acts for every project.
SELECT format('CREATE ROLE %I', w->>'login')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = w->>'login')
\gexec
SELECT format('REVOKE %I FROM %I', pg_get_userbyid(m.roleid), pg_get_userbyid(m.member))
FROM pg_auth_members m, (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE pg_get_userbyid(m.member) = w->>'login'
\gexec
SELECT
  format('ALTER ROLE %I NOLOGIN PASSWORD NULL', w->>'login'),
  CASE WHEN w->>'owner' IS NOT NULL THEN format('GRANT %I TO %I', w->>'owner', w->>'login') END,
  CASE WHEN w->>'owner' IS NOT NULL THEN
    format('ALTER ROLE %I LOGIN PASSWORD %L VALID UNTIL %L', w->>'login', w->>'verifier', now() + interval '25 hours') END
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
\gexec
