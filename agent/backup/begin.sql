-- A transaction whose snapshot pg_dump can read, too, for as long as it is open: answers the snapshot's name.
SET search_path = '';
SET idle_in_transaction_session_timeout = 0;
SET statement_timeout = 0;
SET lock_timeout = '60s';
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot();
