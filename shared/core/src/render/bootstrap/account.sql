CREATE USER {system_user} PASSWORD {password_digest}
