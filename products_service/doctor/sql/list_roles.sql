-- Which of the roles that the migrations make are there.
SELECT rolname
FROM pg_roles
WHERE rolname IN ('products_owner', 'products_etl', 'products_app')
