"""auditkit query: answers, and everything that a hostile statement may try; what it must not touch stays untouched."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditkit.cli import run as command
from auditkit.engines import apart, locked
from auditkit.model.errors import AuditkitError
from auditkit.run import Run

TAGS = pa.map_(pa.string(), pa.string())
COVERAGE = pa.table(
    {
        "resource_id": ["vpc-1", "vpc-2", "vpc-\x1b[31m3"],
        "state": ["complete", None, "none"],
        "count": pa.array([1, 2, None], pa.int64()),
        "vpc_tags": pa.array([[("env", "prod")], None, []], TAGS),
        "flow_log_ids": pa.array([["fl-1"], [], []], pa.list_(pa.string())),
        "at": pa.array([0, 1, None], pa.timestamp("us", tz="UTC")),
    }
)
TABLES = ("coverage", "findings")

SECRET = "canary-4711"
# {file}: a file that holds SECRET; {folder}: a folder to write into; {port}: a listener on the loopback.
FROM = """
'{file}'
"{file}"
'file://{file}'
'{folder}/*.csv'
read_csv('{file}')
read_csv_auto('{file}')
read_text('{file}')
read_blob('{file}')
read_json('{file}')
read_json_objects('{file}')
read_ndjson('{file}')
read_parquet('{file}')
parquet_scan('{file}')
parquet_metadata('{file}')
parquet_schema('{file}')
sniff_csv('{file}')
glob('{folder}/*')
read_duckdb('{file}')
'http://127.0.0.1:{port}/x.csv'
'https://127.0.0.1:{port}/x.parquet'
's3://127.0.0.1:{port}/x.parquet'
read_csv('http://127.0.0.1:{port}/x.csv')
read_parquet(['http://127.0.0.1:{port}/x.parquet'])
canary_frame
duckdb_settings()
duckdb_settings
duckdb_secrets()
duckdb_extensions()
duckdb_variables()
duckdb_logs()
pragma_version()
pragma_user_agent()
information_schema.tables
pg_catalog.pg_settings
pg_settings
sqlite_master
temp.coverage
system.main.duckdb_tables
other.main.coverage
query('select 1')
query_table('coverage')
query_table(['coverage'])
json_execute_serialized_sql(json_serialize_sql('select 1'))
which_secret('s3://x', 's3')
arrow_scan(1, 2, 3)
arrow_scan_dumb(1, 2, 3)
python_arrow_scan(1, 2, 3)
pandas_scan(1)
python_map_function(1)
seq_scan('coverage')
test_all_types()
sql_auto_complete('sel')
checkpoint()
enable_logging()
truncate_duckdb_logs()
(describe '{file}')
(summarize '{file}')
(show databases)
(show tables)
coverage c, '{file}'
coverage c join '{file}' f on true
coverage c, lateral (from '{file}')
(select * from '{file}')
(with x as (from '{file}') from x)
(with recursive x as (select 1 union all from '{file}') from x)
(values ((select content from read_text('{file}'))))
(unpivot '{file}' on a)
"""
SELECTED = """
getenv('HOME')
'HOME'.getenv()
main.getenv('HOME')
current_setting('memory_limit')
getvariable('x')
nextval('s')
setseed(0.5)
sleep_ms(100000)
pg_sleep(100000)
write_log('x')
current_query()
index_key('a', 'b', 'c', 1)
json_serialize_plan('select 1')
__internal_decompress_string('x'::hugeint)
(select content from read_text('{file}'))
exists (from '{file}')
1 in (select 1 from '{file}')
[x for x in (from '{file}')]
list_transform([1], lambda x: getenv('HOME'))
case when true then getenv('HOME') end
sum(1) filter (where getenv('HOME') = '')
row_number() over (order by getenv('HOME'))
"""
STATEMENTS = """
copy coverage to '{folder}/out.csv'
copy (select 1) to '{folder}/out.parquet' (format parquet)
copy coverage from '{file}'
export database '{folder}/all'
import database '{folder}'
attach '{folder}/new.db' as other
attach 'http://127.0.0.1:{port}/x.db' as other
detach memory
use memory
install httpfs
install httpfs from 'http://127.0.0.1:{port}'
force install httpfs
load httpfs
load '{file}'
set enable_external_access = true
set temp_directory = '{folder}'
set memory_limit = '100GB'
set global log_query_path = '{folder}/log'
reset enable_external_access
set variable x = 1
pragma enable_profiling
pragma profiling_output = '{folder}/profile'
pragma memory_limit = '100GB'
call pragma_version()
call enable_logging(storage_path = '{folder}')
explain select 1
explain analyze select 1
create table t as select 1
create temp table t as select 1
create view v as select 1
create macro m() as 1
create persistent secret s (type s3)
create function f() as 1
insert into coverage select * from coverage
update coverage set state = 'complete'
delete from coverage
truncate coverage
drop table coverage
alter table coverage add column x int
begin
commit
checkpoint
vacuum
analyze
prepare p as select 1
execute p
deallocate p
comment on table coverage is 'x'
pivot coverage on state
select 1; select 2
select 1; drop table coverage
with x as (select 1) insert into coverage select * from coverage
.read {file}
!ls

;
-- nothing
selec 1
select $1
select ?
"""


@pytest.fixture
def trap(tmp_path: Path):
    """A file with a secret, an empty folder and a listener; afterwards nothing has been written, nobody has called."""
    file = tmp_path / "canary.csv"
    file.write_text(f"secret\n{SECRET}\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield {"file": str(file), "folder": str(folder), "port": listener.getsockname()[1]}
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert not list(folder.iterdir())
    assert file.read_text() == f"secret\n{SECRET}\n"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "run") == ["canary.csv", "folder"]


def filled(text: str, trap: dict[str, object]) -> list[str]:
    out = text.strip("\n").split("\n")
    for name, value in trap.items():
        out = [one.replace("{" + name + "}", str(value)) for one in out]
    return out


@pytest.fixture
def run_path(tmp_path: Path) -> Path:
    run = Run(tmp_path / "run")
    run.tables.mkdir(parents=True)
    pq.write_table(COVERAGE, run.tables / "coverage.parquet")
    pq.write_table(pa.table({"severity": ["high"] * 5}), run.tables / "findings.parquet")
    run.note(done=["collect", "assess"])
    return run.path


# -- walls, each for itself ----------------------------------------------------------------------------------------------


def test_a_statement_that_looks_elsewhere_or_changes_something_is_refused_before_it_runs(trap):
    canary_frame = COVERAGE  # a variable that DuckDB would find by its name
    statements = [
        *(f"select * from {one}" for one in filled(FROM, trap)),
        *(f"from {one}" for one in filled(FROM, trap)),
        *(f"describe select * from {one}" for one in filled(FROM, trap)),
        *(f"select {one}" for one in filled(SELECTED, trap)),
        *(f"select * from coverage where {one} is null" for one in filled(SELECTED, trap)),
        *filled(STATEMENTS, trap)[:-2],
    ]
    taken, said = [], []
    with locked._database(locked._LITTLE, 1) as db:
        for one in statements:
            try:
                locked._check(db, one, TABLES)
                taken.append(one)
            except AuditkitError as error:
                said.append(error.message)
    assert not taken
    assert not [one for one in said if "\n" in one or SECRET in one]
    assert canary_frame is COVERAGE


def test_what_the_database_would_run_finds_no_file_no_network_and_no_variable(trap):
    """The second wall alone: statements that nobody has looked at."""
    canary_frame = COVERAGE
    outside = [
        one for one in filled(FROM, trap)
        if any(word in one for word in ("canary", "folder", "127.0.0.1"))
    ]  # fmt: skip
    statements = [*(f"select * from {one}" for one in outside), *filled(STATEMENTS, trap)]
    harmless = ("begin", "commit", "explain", "create", "prepare", "with", "insert", "update", "delete", "select 1", "pivot", "comment",
                "set variable", "alter", "truncate", "drop", "vacuum", "analyze", "checkpoint", "call pragma_version", "use memory", "-- nothing", "deallocate")  # fmt: skip
    done, said = [], []
    with locked._database(locked._LITTLE, 1, {"coverage": COVERAGE}) as db:
        for one in statements:
            if not one or one.startswith(harmless):
                continue
            try:
                if (result := db.execute(one)) is not None:  # of an empty statement
                    result.fetchall()
                    done.append(one)
            except duckdb.Error as error:
                said.append(str(error))
    assert not done
    assert not [one for one in said if SECRET in one]
    assert canary_frame is COVERAGE


def test_the_process_of_a_statement_opens_nothing_more(trap):
    """The third wall alone: what a fault in the database could do."""
    attempts = """
open('{folder}/out', 'w')
open('{file}').read()
__import__('socket').socket()
__import__('socket').create_connection(('127.0.0.1', {port}))
__import__('os').pipe()
"""
    code = "import socket\nfrom auditkit.engines import apart\napart._limit_files()\n" + "".join(
        f"try:\n    {line}\n    print('done')\nexcept OSError as error:\n    print(error.errno)\n"
        for line in filled(attempts, trap)
    )
    paths = os.pathsep.join(one for one in sys.path if one)
    out = subprocess.run([sys.executable, "-P", "-c", code], env={"PYTHONPATH": paths}, capture_output=True, check=True)
    assert out.stdout.split() == [str(errno.EMFILE).encode()] * 5


def test_every_function_that_leaves_something_behind_is_refused():
    """Of the functions that this version of DuckDB has; those that only draw lots are left."""
    with duckdb.connect() as db:
        rows = db.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability = 'VOLATILE'"
        ).fetchall()
    harmless = {"random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "error", "current_connection_id", "current_query_id", "current_transaction_id"}  # fmt: skip
    with locked._database(locked._LITTLE, 1) as db:
        for (name,) in rows:
            if name not in harmless:
                with pytest.raises(AuditkitError):
                    locked._check(db, f"select {name}()", TABLES)


@pytest.mark.parametrize("one", ["select {open}1{close}", "select {nots} true", "select {sums} 1"])
def test_a_statement_that_is_nested_deeply_is_refused(one):
    deep = one.format(open="(" * 40_000, close=")" * 40_000, nots="not " * 20_000, sums="1 + " * 20_000)
    with pytest.raises(AuditkitError) as error:
        locked.named(deep, TABLES)
    assert "\n" not in error.value.message


def test_a_statement_that_is_too_long_is_not_read():
    with pytest.raises(AuditkitError, match=r"300,007 characters"):
        locked.named("select " + "1" * 300_000, TABLES)


# -- ends ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bomb",
    [
        "with recursive t(n) as (select 1 union all select n + 1 from t) select max(n) from t",
        "select levenshtein(repeat('a', 300000), repeat('b', 300000))",
    ],
)
def test_a_statement_without_end_is_ended(bomb, run_path, capsys):
    """The second never looks whether it is to stop: its process is killed."""
    assert command(["query", str(run_path), bomb, "--timeout", "1"]) == 2
    assert "the statement took longer than 1 seconds" in capsys.readouterr().err


@pytest.mark.parametrize("bomb", ["select list(r) from range(10000000000) t(r)", "select repeat('x', 4000000000)"])
def test_a_statement_that_wants_all_memory_gets_none(bomb, run_path, capsys):
    assert command(["query", str(run_path), bomb, "--memory", "200MiB"]) == 2
    said = capsys.readouterr().err
    assert "the statement needs more memory than it may have" in said
    assert "--memory" in said


def test_rows_without_end_are_not_waited_for(run_path, capsys):
    assert command(["query", str(run_path), "from range(1000000000000)", "--limit", "2", "-f", "csv"]) == 0
    out, err = capsys.readouterr()
    assert out == "range\n0\n1\n"
    assert err == "auditkit: only the first 2 rows are shown; --limit shows more\n"


def test_ctrl_c_ends_the_statement(run_path, capsys, monkeypatch):
    begun = []

    class Begun(subprocess.Popen):
        def communicate(self, *args, **more):
            begun.append(self)
            threading.Timer(0, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
            return super().communicate(*args, **more)

    monkeypatch.setattr(apart.subprocess, "Popen", Begun)
    endless = "with recursive t(n) as (select 1 union all select n + 1 from t) select max(n) from t"
    assert command(["query", str(run_path), endless]) == 130
    assert begun[0].returncode == -signal.SIGKILL
    assert "stopped" in capsys.readouterr().err


# -- answers -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(monkeypatch):
    """Statements run in this process, which is quicker; what the process of its own adds is shown elsewhere."""

    def ask(sql, tables, limit, timeout, memory):
        named = locked.named(sql, tuple(tables))
        return locked.select(sql, {n: pq.read_table(tables[n]) for n in named}, limit, memory, 1, ready=lambda: None)

    monkeypatch.setattr(apart, "ask", ask)


def asked(run_path: Path, sql: str, capsys, *options: str) -> str:
    assert command(["query", str(run_path), sql, *options]) == 0
    out, err = capsys.readouterr()
    assert not err
    return out


def test_json_says_each_value_as_it_is(run_path, capsys, here):
    sql = "select *, 2::hugeint ** 2 as big, 1/0.0 as endless, 'a'::blob as bytes, date '2026-07-01' as day, count as count from coverage order by 1 limit 2"
    rows = json.loads(asked(run_path, sql, capsys, "-f", "json"))
    assert rows[0] == {
        "resource_id": "vpc-\x1b[31m3", "state": "none", "count": None, "vpc_tags": {}, "flow_log_ids": [], "at": None,
        "big": 4, "endless": None, "bytes": "61", "day": "2026-07-01", "count_1": None,
    } | {"endless": rows[0]["endless"]}  # fmt: skip
    assert rows[0]["endless"] in (None, "inf")
    assert rows[1]["vpc_tags"] == {"env": "prod"}
    assert rows[1]["at"] == "1970-01-01T00:00:00Z"
    assert rows[1]["count"] == 1


def test_csv_is_read_back(run_path, capsys):
    out = asked(run_path, "select resource_id, vpc_tags['env'] as env, flow_log_ids from coverage", capsys, "-f", "csv")
    assert list(csv.reader(io.StringIO(out))) == [
        ["resource_id", "env", "flow_log_ids"], ["vpc-1", "prod", '["fl-1"]'], ["vpc-2", "", "[]"], ["vpc-\x1b[31m3", "", "[]"],
    ]  # fmt: skip


def test_a_table_hides_nothing_and_acts_on_no_terminal(run_path, capsys, here):
    out = asked(run_path, "select resource_id, state, '[red]x[/red]' as s from coverage", capsys)
    assert "\x1b" not in out
    assert r"vpc-\x1b[31m3" in out
    assert "[red]x[/red]" in out
    assert "NULL" in out
    assert "3 rows" in out


def test_many_columns_stand_below_each_other(run_path, capsys, here):
    sql = "select * from coverage cross join (select 1 as b, 2 as c, 3 as d, 4 as e, 5 as f) limit 1"
    lines = asked(run_path, sql, capsys).splitlines()
    assert lines[0] == "row 1"
    assert lines[1].split() == ["resource_id", "vpc-1"]


def test_without_a_statement_the_tables_are_listed(run_path, capsys):
    assert command(["query", str(run_path)]) == 0
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert words == [["coverage", "3", "rows,", "6", "columns"], ["findings", "5", "rows,", "1", "column"]]


def test_a_statement_may_come_from_stdin(run_path, capsys, here, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("select count(*) as n from findings"))
    assert asked(run_path, "-", capsys, "-f", "csv") == "n\n5\n"


def test_sub_queries_windows_and_own_names_are_taken():
    for one in (
        "with x as (select state from coverage) select * from x",
        "with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select * from t",
        "select * from (values (1)) v(a), coverage c join main.findings f on true",
        "select *, row_number() over (order by count) from coverage qualify count = 1",
        "select unnest(flow_log_ids) from coverage union all from (select state from COVERAGE)",
        "describe coverage",
        "summarize coverage",
        "from range(3)",
        "select list_transform(flow_log_ids, lambda x: upper(x)) from coverage",
        "unpivot coverage on resource_id, state",
        "select * from coverage tablesample 10%",
    ):
        found = locked.named(one, TABLES)
        got = locked.select(one, dict.fromkeys(found, COVERAGE), 10, locked._LITTLE, 1, ready=lambda: None)
        assert got.num_rows >= 0
    assert locked.named("select * from Coverage, findings, coverage", TABLES) == {"coverage", "findings"}
    with pytest.raises(AuditkitError, match=r"there is no table 'x\.coverage'"):
        locked.named("select * from x.coverage", TABLES)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * from covrage", "there is no table 'covrage'; did you mean 'coverage'?"),
        ("select * from '/etc/passwd'", "there is no table '/etc/passwd'"),
        ("select stat from coverage", 'Binder Error: Referenced column "stat" not found'),
        ("copy coverage to 'x'", "a statement of type COPY is not taken"),
        ("select 340282366920938463463374607431768211455::uhugeint", "a column of type UHUGEINT cannot be shown"),
        ("select '\x1b[31m' from nowhere", "there is no table 'nowhere'"),
    ],
)
def test_an_error_is_one_line_and_a_next_step(sql, said, run_path, capsys, here):
    assert command(["query", str(run_path), sql]) == 2
    out, err = capsys.readouterr()
    assert not out
    first, hint = err.splitlines()
    assert said in first
    assert hint.startswith("  ")
    assert "\x1b" not in err


def test_an_error_comes_back_from_the_process_of_its_own(run_path, capsys):
    assert command(["query", str(run_path), "select stat from coverage"]) == 2
    assert 'Referenced column "stat" not found' in capsys.readouterr().err


def test_a_run_that_was_not_assessed_has_no_tables(run_path, capsys):
    Run(run_path).note(done=["collect"])
    assert command(["query", str(run_path), "select 1"]) == 2
    assert "has not been assessed" in capsys.readouterr().err


def test_a_table_that_is_damaged_is_an_error(run_path, capsys):
    (run_path / "tables" / "findings.parquet").write_bytes(b"PAR1 no")
    assert command(["query", str(run_path), "select * from findings"]) == 2
    assert "a table cannot be read" in capsys.readouterr().err


def test_the_environment_is_not_handed_on(run_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    given = {}
    real = subprocess.Popen

    def popen(*args, env, **more):
        given.update(env)
        return real(*args, env=env, **more)

    monkeypatch.setattr(apart.subprocess, "Popen", popen)
    apart.ask("select 1", {})
    assert sorted(given) == ["PYTHONPATH", "PYTHONUTF8"]
