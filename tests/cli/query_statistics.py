#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare, srm and sample-size give the reference's numbers through the program itself.

Usage: tests/cli/query_statistics.py BUILD_DIR
"""
import json
import pathlib
import subprocess
import sys

CASES = {case["id"]: case for case in json.loads(
    (pathlib.Path(__file__).resolve().parent.parent / "data/statistics.json").read_text())["cases"]}
# Names of the reference that differ from ours, which mean one thing in one object.
RENAMED = {"ci95_fieller": "lift_ci95_fieller", "ci95_lift_fieller": "lift_ci95_fieller",
           "clopper_pearson95": "clopper_pearson95_a", "wilson95": "wilson95_a"}
failed = False


def claim(sentence, is_true, detail=""):
    global failed
    failed |= not is_true
    print(f"{'ok' if is_true else 'not ok'} - {sentence}", detail if not is_true else "")


class Program:
    def __init__(self, build):
        self.path = pathlib.Path(build).resolve() / "manhattan-query"

    def run(self, *arguments):
        return subprocess.run([self.path, "--config", "/dev/null", *map(str, arguments)],
                              capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)

    def fields(self, *arguments):
        done = self.run("--format", "json", *arguments)
        return json.loads(done.stdout) if done.returncode == 0 else {"stderr": done.stderr}


def flat(value):
    return value if isinstance(value, list) else [value]


def is_close(got, due, tolerance):
    if got is None or len(flat(got)) != len(flat(due)):
        return False
    return all(a is not None and abs(a - b) <= tolerance * abs(b)
               for a, b in zip(flat(got), flat(due)))


def check(case_id, got, names=None, tolerance=None):
    """Each expected field of the case (or those named) is in `got`."""
    case = CASES[case_id]
    for name in names or case["expected"]:
        due = case["expected"][name]
        ours = got.get(RENAMED.get(name, name))
        claim(f"{case_id}: {name}", is_close(ours, due, tolerance or max(case["rel_tol"], 1e-12)),
              f"got {ours}, not {due}: {got.get('stderr', '')}")


def rates(case_id):
    given = CASES[case_id]["input"]
    return f"{given['x_a']}/{given['n_a']}", f"{given['x_b']}/{given['n_b']}"


def values(case_id):
    given = CASES[case_id]["input"]
    return ["--value"] + [f"{given['n_' + arm]}:{given['sum_' + arm]}:{given['sumsq_' + arm]}"
                          for arm in "ab"]


def check_compare(query):
    for case_id in ("prop_z_1", "prop_z_3_huge_effect", "newcombe_1", "newcombe_2_zero_arm", "bayes_1"):
        check(case_id, query.fields("compare", *rates(case_id)))
    check("bayes_3_zero", query.fields("compare", *rates("bayes_3_zero")))
    check("lift_1", query.fields("compare", *rates("lift_1")), ["lift", "fieller_g", "ci95_fieller"])
    check("seq_1", query.fields("compare", "--planned", 5000, *rates("seq_1")),
          ["rho", "lift", "diff", "halfwidth_diff", "cs_diff", "p_value_diff", "multiplier_c",
           "fieller_cs_lift"])
    early = query.fields("compare", "--planned", 5000, *rates("seq_2_early"))
    claim("a lift that nothing bounds is null", early["fieller_cs_lift"] is None)
    arms = CASES["bayes_multi_1"]["input"]["arms"]
    check("bayes_multi_1", query.fields("compare", *(f"{arm['x']}/{arm['n']}" for arm in arms)))
    for case_id in ("wilson_1", "wilson_2_zero"):
        given = CASES[case_id]["input"]
        check(case_id, query.fields("compare", f"{given['x']}/{given['n']}", "500/1000"))
    check("welch_1_growthbook_fixture", query.fields("compare", *values("welch_1_growthbook_fixture")),
          ["mean_a", "mean_b", "var_a", "var_b", "diff", "se", "t", "dof", "p_value", "ci95_diff",
           "lift", "fieller_g", "ci95_lift_fieller"])
    check("bayes_gauss_1", query.fields("compare", *values("bayes_gauss_1")))
    check("guardrail_1", query.fields("compare", "--margin=-0.05", *rates("guardrail_1"))["guardrail"])


def check_planning(query):
    for case_id in ("srm_1_ok", "srm_5_zero_weight_arm"):
        given = CASES[case_id]["input"]
        weights = ",".join(map(str, given["weights"]))
        check(case_id, query.fields("srm", *given["observed"], "--weights", weights))
    check("power_prop_1", query.fields("sample-size", "--rate", 0.05, "--lift", 0.1))
    mean = query.fields("sample-size", "--sd", 8.5, "--delta", 0.4, "--visitors", 5000)
    check("power_mean_1", {**mean, "mde_at_n5000": mean.get("mde")})


def check_formats(query):
    rows = query.run("--format", "csv", "compare", "500/10000", "560/10000").stdout.splitlines()
    claim("csv has a heading and a row an arm", len(rows) == 3 and rows[0].startswith("population,goal,"))
    claim("every row is as wide as the heading", {row.count(",") for row in rows} == {rows[0].count(",")})
    text = query.run("compare", "500/10000", "560/10000").stdout
    claim("the table says what to conclude", "some 23,764 more visitors would show it" in text, text)
    claim("srm names a mismatch", "MISMATCH" in query.run("srm", 5300, 4700).stdout)
    srm = query.run("srm", 5050, 4950, "--format", "tsv").stdout.split("\t")
    claim("tsv of srm is one row", srm[:2] == ["1", "1"] and srm[6] == "false\n", srm)


def check_refusals(query):
    for arguments, named in (
            (("compare", "1/2"), "missing CONVERTED/VISITORS"), (("compare", "5/3", "1/1"), "'5/3'"),
            (("compare", "0/0", "1/1"), "'0/0'"), (("compare", "x/1", "1/1"), "'x'"),
            (("compare", "1", "2"), "'1'"), (("compare", "-1/2", "1/2"), ""),
            (("compare", "1/1e400", "1/2"), "1e400"), (("compare", "--value", "1:1:1", "2:1:1"), "'1:1:1'"),
            (("compare", "--value", "9:9:1", "9:1:9"), "'9:9:1'"),
            (("compare", "1/2", "1/2", "--alpha", "0"), "--alpha"),
            (("compare", "1/2", "1/2", "--alpha", "nan"), "--alpha"),
            (("compare", "1/2", "1/2", "--weights", "1"), "weights"),
            (("compare", "1/2", "1/2", "--control", "Q"), "'Q'"),
            (("srm", "5"), "missing VISITORS"), (("srm", "5", "x"), "'x'"), (("srm", "5", "5", "--weights", "1,0"), "weights"),
            (("srm", "5", "5", "--weights", "1,1,1"), "weights"), (("srm", "1", "2", "--rate", "1"), "--rate"),
            (("sample-size",), "--rate"), (("sample-size", "--rate", "0.05"), "--lift"),
            (("sample-size", "--rate", "2", "--lift", "1"), "--rate"),
            (("sample-size", "--rate", "0.5", "--lift", "0"), "--lift"),
            (("sample-size", "--sd", "1", "--delta", "0"), "--delta"),
            (("sample-size", "--sd", "1", "--delta", "1", "--rate", "0.1"), "both")):
        done = query.run(*arguments)
        lines = done.stderr.splitlines()
        claim(f"{' '.join(arguments)} is refused by name",
              done.returncode == 2 and done.stdout == "" and len(lines) == 2 and named in lines[0],
              f"exit {done.returncode}: {done.stderr}")


def main():
    query = Program(sys.argv[1])
    check_compare(query)
    check_planning(query)
    check_formats(query)
    check_refusals(query)
    sys.exit(failed)


main()
