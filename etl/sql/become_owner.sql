-- What a load makes belongs to the owner, whoever runs it.
SET ROLE products_owner
