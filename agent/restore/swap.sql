-- Databases change names, all at once or none: nobody is logged in to one meanwhile. One statement, so that it goes to its end
-- in the server when whoever sent it is no more; should the server end first, the note `meanwhile` tells that it is to be opened.
SELECT set_config('codeb.swap', convert_from(decode(:'document', 'base64'), 'UTF8'), false) IS NULL;
DO $swap$
DECLARE
  wanted jsonb := current_setting('codeb.swap')::jsonb;
  live text := wanted->>'live';
  problem text;
  step jsonb;
  busy boolean;
BEGIN
  EXECUTE format('COMMENT ON DATABASE %I IS %L', live, wanted->>'meanwhile');
  EXECUTE format('ALTER DATABASE %I ALLOW_CONNECTIONS false', live);
  COMMIT;
  BEGIN
    FOR attempt IN 1..75 LOOP -- a second and a half: requests wait
      PERFORM pg_stat_clear_snapshot();
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity, jsonb_array_elements(wanted->'renames') r WHERE datname = r->>0;
      busy := FOUND;
      EXIT WHEN NOT busy;
      PERFORM pg_sleep(0.02);
    END LOOP;
    IF busy THEN -- to rename would wait five more
      RAISE EXCEPTION 'sessions in it don''t end: what they are at is in pg_stat_activity';
    END IF;
    FOR step IN SELECT * FROM jsonb_array_elements(wanted->'renames') LOOP
      EXECUTE format('ALTER DATABASE %I RENAME TO %I', step->>0, step->>1);
    END LOOP;
    EXECUTE format('COMMENT ON DATABASE %I IS %L', wanted->>'aside', wanted->>'note');
  EXCEPTION WHEN OTHERS THEN
    problem := SQLERRM;
  END;
  EXECUTE format('COMMENT ON DATABASE %I IS NULL', live);
  EXECUTE format('ALTER DATABASE %I ALLOW_CONNECTIONS true', live);
  COMMIT;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '%', problem;
  END IF;
END
$swap$;
