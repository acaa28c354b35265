UPDATE catalogue.published_load SET number = %(number)s, digest = %(digest)s
