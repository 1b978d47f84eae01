-- The administrator's password, by its verifier. One that is as it should be is left alone; the answer says that it wasn't.
SELECT 'changed' FROM pg_authid WHERE rolname = current_user AND rolpassword IS DISTINCT FROM :'verifier';
SELECT format('ALTER ROLE %I PASSWORD %L', rolname, :'verifier')
FROM pg_authid WHERE rolname = current_user AND rolpassword IS DISTINCT FROM :'verifier'
\gexec
