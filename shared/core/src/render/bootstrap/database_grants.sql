GRANT ALL ON DATABASE {database} TO {system_user};;
GRANT USAGE ON LANGUAGE plpgsql TO {system_user};;
GRANT USAGE ON LANGUAGE exfunc TO {system_user};;
GRANT USAGE ON DATABASE {database} TO PUBLIC;;
GRANT TEMP ON DATABASE {database} TO PUBLIC
