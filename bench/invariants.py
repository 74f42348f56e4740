"""What must hold when a run has ended, whatever befell it: a name, and a question whose answer must be nothing.

``%(run)s`` is the run, ``%(steps)s`` the steps of each case, which must all pass; nothing else was ever recorded.
"""

INVARIANTS = {
    "the run has ended": "SELECT phase FROM runs_testrun WHERE id = %(run)s AND phase <> 'finished'",
    "every execution is final and passed": """
        SELECT state, count(*), min(message) FROM runs_execution
        WHERE run_id = %(run)s AND state <> 'passed' GROUP BY state""",
    "the run's counts are those of its executions": """
        SELECT r.total, r.passed, n FROM runs_testrun r,
               (SELECT count(*) n FROM runs_execution WHERE run_id = %(run)s AND state = 'passed') e
        WHERE r.id = %(run)s AND (r.passed <> n OR r.total <> n
              OR r.failed + r.blocked + r.skipped + r.cancelled + r.waiting <> 0)""",
    "each execution has one result, its last attempt": """
        SELECT e.id, e.state, a.number, a.state FROM runs_execution e
        LEFT JOIN runs_attempt a ON a.execution_id = e.id AND (a.state = 'passed' OR a.number >= e.attempt)
        WHERE e.run_id = %(run)s AND (e.state <> 'passed' OR a.id IS NOT NULL)""",
    "earlier attempts are numbered without gaps": """
        SELECT e.id, e.attempt, array_agg(a.number || a.state ORDER BY a.number) FROM runs_execution e
        LEFT JOIN runs_attempt a ON a.execution_id = e.id WHERE e.run_id = %(run)s GROUP BY e.id
        HAVING count(a.id) <> e.attempt - 1 OR coalesce(max(a.number), 0) <> e.attempt - 1""",
    "what no constraint holds is there": """
        SELECT s.id FROM runs_stepresult s LEFT JOIN runs_execution e ON e.id = s.execution_id WHERE e.id IS NULL""",
    "each execution has the steps of one attempt": """
        SELECT e.id, count(s.id) FROM runs_execution e LEFT JOIN runs_stepresult s ON s.execution_id = e.id
        WHERE e.run_id = %(run)s GROUP BY e.id, e.attempt
        HAVING count(s.id) <> %(steps)s OR count(s.id) FILTER (WHERE s.attempt = e.attempt) <> %(steps)s""",
    "the days count each result once": """
        SELECT d.passed, r.total FROM runs_testrun r,
               (SELECT coalesce(sum(passed), 0) AS passed, coalesce(sum(failed + blocked + skipped), 0) AS other
                FROM runs_daycount) d
        WHERE r.id = %(run)s AND (d.passed <> r.total OR d.other <> 0)""",
    "the seam's latencies count each request once": """
        SELECT l.count, r.total FROM runs_testrun r, (SELECT coalesce(sum(count), 0) count FROM runs_latencyday) l
        WHERE r.id = %(run)s AND l.count <> r.total""",
    "the buckets of a histogram hold what it counts": """
        SELECT id, count FROM runs_latencyday WHERE count <> (SELECT sum(n) FROM unnest(buckets) n)""",
    "each case has its record, in which each result is one letter": """
        SELECT e.case_id, c.state, c.strip FROM runs_execution e LEFT JOIN runs_caserecord c ON c.case_id = e.case_id
        WHERE e.run_id = %(run)s GROUP BY e.case_id, c.id
        HAVING c.id IS NULL OR c.state <> 'passed' OR c.strip <> right(repeat('P', count(*)::int), 20)
            OR bool_and(c.last_execution_id <> e.id)""",
    "each case has its record at the seam": """
        SELECT e.case_id FROM runs_execution e LEFT JOIN runs_casepointrecord c ON c.case_id = e.case_id
        WHERE e.run_id = %(run)s AND (c.id IS NULL OR c.state <> 'passed' OR c.last_run_id <> e.run_id)""",
    "nobody holds anything any more": """
        SELECT id, worker, lease_until, parked_at FROM runs_execution
        WHERE run_id = %(run)s AND (lease_until IS NOT NULL OR parked_at IS NOT NULL)""",
    "every time lies within the run, by one clock": """
        SELECT e.id, r.started_at, e.started_at, e.finished_at, r.finished_at FROM runs_execution e
        JOIN runs_testrun r ON r.id = e.run_id WHERE e.run_id = %(run)s AND NOT (
            r.created_at <= e.started_at AND e.started_at <= e.finished_at + interval '1 second'
            AND e.finished_at <= r.finished_at + interval '1 second' AND r.finished_at <= clock_timestamp())""",
    "every step began within its execution": """
        SELECT s.id, e.started_at, s.started_at, e.finished_at FROM runs_stepresult s
        JOIN runs_execution e ON e.id = s.execution_id WHERE e.run_id = %(run)s AND NOT (
            s.started_at BETWEEN e.started_at - interval '1 second' AND e.finished_at + interval '1 second')""",
    "the days are those of the run": """
        SELECT d.day FROM (SELECT day FROM runs_daycount UNION SELECT day FROM runs_latencyday) d, runs_testrun r
        WHERE r.id = %(run)s AND d.day NOT BETWEEN (r.created_at AT TIME ZONE 'UTC')::date
                                               AND (r.finished_at AT TIME ZONE 'UTC')::date""",
    "each file was kept, or is said to be lost": """
        SELECT s.id, s.response FROM runs_stepresult s JOIN runs_execution e ON e.id = s.execution_id
        WHERE e.run_id = %(run)s AND s.kind = 'leave' AND (s.request->>'bytes')::int > 0 AND 1 <> (
            (SELECT count(*) FROM runs_artifact a WHERE a.step_id = s.id AND a.size = (s.request->>'bytes')::int)
            + CASE WHEN s.response->'notes'->>0 LIKE '%%could not be kept%%' THEN 1 ELSE 0 END)""",
}
