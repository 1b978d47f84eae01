-- Act as the owner from now on: what is made is the owner's, and nothing can be done that the owner can't.
SELECT format('SET ROLE %I', convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb->>'owner') \gexec
