SELECT number FROM catalogue.published_load
