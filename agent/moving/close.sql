-- The owner of a database, and so the roles that act as it, may not log in any more; whoever is logged in and is no superuser is
-- thrown out. An administrator who is none keeps his own right, which he had as a member of the owner.
SELECT format('GRANT CONNECT ON DATABASE %I TO CURRENT_USER', w->>'database')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
\gexec
SELECT
  format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', w->>'database'),
  format('REVOKE CONNECT ON DATABASE %I FROM %I', w->>'database', w->>'owner')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
\gexec
SELECT set_config('codeb.close', convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb->>'database', false) IS NULL;
DO $close$
DECLARE
  busy boolean;
BEGIN
  FOR attempt IN 1..200 LOOP -- ten seconds
    PERFORM pg_stat_clear_snapshot();
    PERFORM pg_terminate_backend(s.pid)
    FROM pg_stat_activity s JOIN pg_roles r ON r.oid = s.usesysid
    WHERE s.datname = current_setting('codeb.close') AND s.pid <> pg_backend_pid() AND NOT r.rolsuper
      AND r.rolname <> current_user
      AND pg_has_role(current_user, r.oid, 'USAGE'); -- an administrator who is no superuser ends nobody else's
    busy := FOUND;
    EXIT WHEN NOT busy;
    PERFORM pg_sleep(0.05);
  END LOOP;
  IF busy THEN
    RAISE EXCEPTION 'sessions in it don''t end: what they are at is in pg_stat_activity';
  END IF;
END
$close$;
