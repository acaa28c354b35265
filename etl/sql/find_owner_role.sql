-- Whether this session may act as the role that owns the catalogue.
SELECT coalesce(pg_has_role(to_regrole('products_owner'), 'MEMBER'), false)
