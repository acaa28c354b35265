-- Whether a load was published: this one, not another that came to have its number.
SELECT EXISTS (
  SELECT FROM etl.loads
  WHERE number = %(number)s AND digest = %(digest)s AND started_at = %(started_at)s
)
