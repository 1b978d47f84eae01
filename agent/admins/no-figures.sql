-- Nobody asks any more.
SELECT 'changed' FROM pg_roles WHERE rolname = 'codeb_metrics';
DROP ROLE IF EXISTS codeb_metrics;
