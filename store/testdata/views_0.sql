-- The views of the rollups as the first release made them.
ALTER TABLE daily_view MODIFY QUERY
SELECT
    site, day,
    line.1 AS dimension, line.2 AS value, line.3 AS detail,
    sum(toInt64(hits.pageviews))     AS pageviews,
    sum(toInt64(hits.visits))        AS visits,
    sum(toInt64(hits.visitors))      AS visitors,
    sum(toInt64(hits.page_visitors)) AS page_visitors,
    sum(toInt64(hits.bounces))       AS bounces,
    sum(toInt64(hits.seconds))       AS seconds,
    toInt64(countIf(kind NOT IN ('pageview', 'ping'))) AS events
FROM hits
ARRAY JOIN arrayConcat(
    [
        ('total', '', ''),
        ('entry', entry_path, ''),
        ('channel', toString(channel), toString(source)),
        ('country', toString(country), toString(region)),
        ('browser', toString(browser), toString(browser_version)),
        ('os', toString(os), ''),
        ('device', toString(device), ''),
        ('language', toString(language), '')
    ],
    if(kind = 'pageview', [('page', path, '')], []),
    if(kind IN ('pageview', 'ping'), [], [('event', toString(kind), name)]),
    if(campaign = '', [], [('campaign', toString(campaign), toString(campaign_source))])
) AS line
GROUP BY site, day, dimension, value, detail;
ALTER TABLE monthly_view MODIFY QUERY
SELECT
    site, toStartOfMonth(day) AS month,
    line.1 AS dimension, line.2 AS value, line.3 AS detail,
    sum(toInt64(hits.pageviews))     AS pageviews,
    sum(toInt64(hits.visits))        AS visits,
    sum(toInt64(hits.visitors))      AS visitors,
    sum(toInt64(hits.page_visitors)) AS page_visitors,
    sum(toInt64(hits.bounces))       AS bounces,
    sum(toInt64(hits.seconds))       AS seconds,
    toInt64(countIf(kind NOT IN ('pageview', 'ping'))) AS events
FROM hits
ARRAY JOIN arrayConcat(
    [
        ('total', '', ''),
        ('entry', entry_path, ''),
        ('channel', toString(channel), toString(source)),
        ('country', toString(country), toString(region)),
        ('browser', toString(browser), toString(browser_version)),
        ('os', toString(os), ''),
        ('device', toString(device), ''),
        ('language', toString(language), '')
    ],
    if(kind = 'pageview', [('page', path, '')], []),
    if(kind IN ('pageview', 'ping'), [], [('event', toString(kind), name)]),
    if(campaign = '', [], [('campaign', toString(campaign), toString(campaign_source))])
) AS line
GROUP BY site, month, dimension, value, detail;
