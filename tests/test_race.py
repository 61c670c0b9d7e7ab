"""Findings about order come with an execution that goes wrong, from the code of both threads."""

from __future__ import annotations

import time

import pytest
from fixture_trees import DEMO, FIXTURES, HEADER, report_on, tree_of, world_of

from kicklint.base import REQUESTER, VCPU, Finding, Interleaving, Report, Severity
from kicklint.memory import Verdict, check, read_litmus
from kicklint.race.compose import MOST_EVENTS
from kicklint.rulebook import load_rulebook
from kicklint.source import OverlayTree

RULES = {rule.id: rule for rule in load_rulebook().rules}
MAIN = "virt/kvm/kvm_main.c"
PRELUDE = "#include <linux/kvm_host.h>\n"
# A run loop as it should be, for the rules whose example is the requester's side.
LOOP = (
    PRELUDE
    + """
extern int __example_enter_guest(struct kvm_vcpu *vcpu);

int example_right(struct kvm_vcpu *vcpu)
{
	local_irq_disable();
	smp_store_mb(vcpu->mode, IN_GUEST_MODE);
	if (kvm_request_pending(vcpu)) {
		vcpu->mode = OUTSIDE_GUEST_MODE;
		local_irq_enable();
		return 1;
	}
	__example_enter_guest(vcpu);
	vcpu->mode = OUTSIDE_GUEST_MODE;
	local_irq_enable();
	return 1;
}
"""
)
SHOWN = (
    "KICK001", "KICK002", "KICK003", "KICK004", "KICK005", "KICK007", "KICK008", "KICK009", "KICK011",
    "KICK012", "KICK016",
)  # fmt: skip


def report(rule: str, text: str, **changes: bytes) -> Report:
    """What ``rule`` says of ``text`` in the model's tree, kick and all."""
    files: dict[str, bytes | None] = {
        MAIN: (DEMO / MAIN).read_bytes(),
        "arch/toyarch/kvm/right.c": LOOP.encode(),
        **{name.replace("__", "/") + ".h": content for name, content in changes.items()},
    }
    return report_on(OverlayTree(tree_of(text), files), frozenset({rule}))


def bad(rule: str, **changes: bytes) -> Finding:
    """The finding on the bad example of ``rule``'s page."""
    found = report(rule, PRELUDE + RULES[rule].bad, **changes).findings
    return next(each for each in found if each.span.path == "arch/toyarch/kvm/run.c")


def shown(finding: Finding) -> Interleaving:
    """Its interleaving, which must be there."""
    assert finding.interleaving is not None
    return finding.interleaving


@pytest.mark.parametrize("rule", SHOWN)
def test_the_bad_example_goes_wrong_and_the_fixed_one_does_not(rule: str) -> None:
    found = shown(bad(rule))
    assert found.lost.startswith("in the guest")
    assert check(read_litmus(found.litmus)).verdict is Verdict.SOMETIMES
    assert found.verdict == "Sometimes"
    assert check(read_litmus(found.fixed)).verdict is Verdict.NEVER
    assert found.fixed_verdict == "Never"


@pytest.mark.parametrize("rule", SHOWN)
def test_every_row_stands_in_the_code(rule: str) -> None:
    finding = bad(rule)
    rows = shown(finding).rows
    assert {row.thread for row in rows} <= {VCPU, REQUESTER}
    for row in rows:
        assert row.function
        assert row.span.path in ("arch/toyarch/kvm/run.c", "arch/toyarch/kvm/right.c", MAIN, HEADER)
    assert finding.function in {row.function for row in rows}
    assert any("enters the guest" in row.text for row in rows if row.thread == VCPU)


def test_a_store_that_waits_is_said_to_become_visible() -> None:
    texts = [row.text for row in shown(bad("KICK004")).rows]
    waits = next(n for n, text in enumerate(texts) if "in the store buffer" in text)
    seen = next(n for n, text in enumerate(texts) if "becomes visible" in text)
    assert waits < seen
    assert "the store of the mode becomes visible" in texts[seen]


def test_the_other_thread_is_the_one_of_this_tree() -> None:
    """A header whose exchange has lost its barrier and its order loses requests by itself."""
    header = (DEMO / HEADER).read_bytes()
    broken = header.replace(b"\tsmp_mb__before_atomic();\n", b"").replace(b"cmpxchg(", b"cmpxchg_relaxed(")
    assert broken != header
    kick = b"\nbool kvm_arch_vcpu_should_kick(struct kvm_vcpu *vcpu)\n{\n"
    kick += b"\treturn kvm_vcpu_exiting_guest_mode(vcpu) == IN_GUEST_MODE;\n}\n"
    text = PRELUDE + RULES["KICK004"].bad + kick.decode()
    as_is = shown(next(iter(report("KICK004", text).findings)))
    assert "cmpxchg(mode, 1, 2)" in as_is.litmus
    found = report("KICK004", text, include__linux__kvm_host=broken).findings
    other = shown(next(iter(found)))
    assert "cmpxchg_relaxed(mode, 1, 2)" in other.litmus
    # The vCPU's barrier alone does not help there.
    assert other.fixed == ""


def test_what_cannot_go_wrong_is_no_error() -> None:
    """KICK008 in the vCPU's own thread in front of its test: true by the wording, and harmless."""
    text = (FIXTURES / "KICK008/own-thread.c").read_text(encoding="utf-8")
    finding = next(
        each
        for each in report("KICK008", text).findings
        if each.function == "toy_kick_and_request_before_the_test"
    )
    assert finding.severity is Severity.WARNING
    assert finding.interleaving is None
    assert finding.message.endswith("allows no execution that ends badly")


def test_an_assumption_is_said() -> None:
    """A run loop that looks at the mode itself: the self-kick needs that test to be missing."""
    looking = LOOP.replace(
        "kvm_request_pending(vcpu)", "vcpu->mode == EXITING_GUEST_MODE || kvm_request_pending(vcpu)"
    )
    files: dict[str, bytes | None] = {
        MAIN: (DEMO / MAIN).read_bytes(),
        "arch/toyarch/kvm/right.c": looking.encode(),
    }
    tree = OverlayTree(tree_of(PRELUDE + RULES["KICK001"].bad), files)
    found = report_on(tree, frozenset({"KICK001"})).findings
    assert {shown(each).assumption for each in found} == {
        "no test between this write and the entry looks at the mode"
    }


@pytest.mark.parametrize("rule", SHOWN)
def test_the_answer_takes_no_time(rule: str) -> None:
    program = read_litmus(shown(bad(rule)).litmus)
    begun = time.perf_counter()
    check(program)
    # A hundred milliseconds on a machine that has nothing else to do.
    assert time.perf_counter() - begun < 1


def by_fixtures(rule: str) -> dict[str, Finding]:
    """The findings of ``rule`` on its fixtures, by function; a run loop and a kick stand beside each."""
    found = {}
    for path in sorted((FIXTURES / rule).glob("*.c")):
        text = path.read_text(encoding="utf-8")
        world = world_of(text)
        files: dict[str, bytes | None] = {
            MAIN: (DEMO / MAIN).read_bytes(),
            f"arch/{world}/kvm/right.c": LOOP.encode(),
        }
        done = report_on(OverlayTree(tree_of(text, world), files), frozenset({rule}))
        found.update({each.function: each for each in done.findings})
    return found


@pytest.mark.parametrize("rule", ["KICK015", "KICK017", "KICK018"])
def test_every_fixture_goes_wrong_and_not_with_the_missing_piece(rule: str) -> None:
    found = by_fixtures(rule)
    assert len(found) > 5
    for function, each in found.items():
        assert each.severity is Severity.ERROR
        race = shown(each)
        # A CPU that is published nowhere is found by no kick, whatever the order.
        assert race.verdict in ("Sometimes", "Always"), function
        assert race.fixed_verdict == "Never", function
        assert check(read_litmus(race.litmus)).verdict is Verdict(race.verdict)
        assert check(read_litmus(race.fixed)).verdict is Verdict.NEVER
        assert {row.thread for row in race.rows} == {VCPU, REQUESTER}
        # Helpers may do what the finding is put down to the function for.
        assert {row.function for row in race.rows} & {function, *(step.function for step in each.trail)}


def test_a_walk_reads_what_was_freed() -> None:
    race = shown(bad("KICK015"))
    texts = [row.text for row in race.rows if row.thread == VCPU]
    assert any("it is somebody else's by now" in text for text in texts)
    assert race.lost == "the walk goes on in a page that was freed"


def test_an_ipi_goes_to_the_cpu_that_was_read() -> None:
    race = shown(bad("KICK012"))
    texts = [row.text for row in race.rows]
    assert any(text.endswith("not the one on which it is") for text in texts)
    assert any(text.endswith("the IPI goes to the CPU that was read") for text in texts)


def test_a_barrier_before_a_cpu_that_is_read_early_saves_the_request() -> None:
    """Between request and read of the CPU: what has moved since then tests the requests afterwards."""
    finding = by_fixtures("KICK012")["toy_plain_mode"]
    assert (finding.severity, finding.interleaving) == (Severity.WARNING, None)


def test_a_mode_that_is_handed_to_an_accessor_is_known() -> None:
    race = shown(by_fixtures("KICK007")["toy_all_through_an_accessor"])
    assert (race.verdict, race.fixed_verdict) == ("Sometimes", "Never")


def test_the_mode_of_another_that_is_written_in_stays_in() -> None:
    """A kick that finds IN_GUEST_MODE sends its IPI, so no request is lost; the mode is not true any more."""
    finding = by_fixtures("KICK007")["toy_all_in"]
    race = shown(finding)
    assert (finding.severity, race.verdict, race.fixed_verdict) == (Severity.ERROR, "Sometimes", "Never")
    assert race.lost == "out of the guest, the mode does not say OUTSIDE_GUEST_MODE"
    assert race.rows[-1].text.startswith("smp_store_mb(vcpu->mode, IN_GUEST_MODE)")
    assert race.rows[-1].thread == REQUESTER


@pytest.mark.parametrize(
    ("barrier", "name"),
    [("\tsmp_wmb();\n", "kvm_make_request"), ("\tsmp_mb__after_atomic();\n", "kvm_check_request")],
)
def test_an_interface_without_its_barrier_loses_what_a_request_announces(barrier: str, name: str) -> None:
    header = (DEMO / HEADER).read_text(encoding="utf-8")
    assert header.count(barrier) == 1
    broken = header.replace(barrier, "").encode()
    found = report("KICK014", PRELUDE, include__linux__kvm_host=broken).findings
    (finding,) = (each for each in found if each.function == name)
    race = shown(finding)
    assert (race.verdict, race.fixed_verdict) == ("Sometimes", "Never")
    assert race.lost == "the request is done with, and what it announced was not seen"


@pytest.mark.parametrize("rule", ["KICK004", "KICK011"])
def test_what_is_too_long_is_cut_and_said(rule: str) -> None:
    """Behind a guilty step of either thread stand more barriers than are looked at, none of them for this."""
    bad_text = RULES[rule].bad
    guilty = "IN_GUEST_MODE);\n" if rule == "KICK004" else "kvm_make_request(KVM_REQ_UNBLOCK, vcpu);\n"
    assert bad_text.count(guilty) == 1
    idle = "\tsmp_wmb();\n" * (MOST_EVENTS + 5)
    long = report(rule, PRELUDE + bad_text.replace(guilty, guilty + idle)).findings
    finding = next(each for each in long if each.span.path == "arch/toyarch/kvm/run.c")
    assert finding.severity is RULES[rule].level
    race = shown(finding)
    assert race.assumption == f"only {MOST_EVENTS} events of a thread are looked at"
    assert len(race.rows) <= 2 * (MOST_EVENTS + 2)
    assert guilty.strip() in RULES[rule].bad
    assert (race.verdict, race.fixed_verdict) == ("Sometimes", "Never")


def test_other_rules_have_none() -> None:
    assert bad("KICK006").interleaving is None


@pytest.mark.parametrize(
    ("asks", "guard"),
    [
        ("kvm_vcpu_exiting_guest_mode(vcpu) == IN_GUEST_MODE", "== 1"),
        ("kvm_vcpu_exiting_guest_mode(vcpu) != OUTSIDE_GUEST_MODE", "!= 0"),
        ("kvm_vcpu_exiting_guest_mode(vcpu) == OUTSIDE_GUEST_MODE", "== 0"),
        ("xchg(&vcpu->mode, EXITING_GUEST_MODE) == IN_GUEST_MODE", "== 1"),
    ],
)
def test_an_ipi_is_sent_in_the_modes_that_the_kick_asks_for(asks: str, guard: str) -> None:
    kick = f"\nbool kvm_arch_vcpu_should_kick(struct kvm_vcpu *vcpu)\n{{\n\treturn {asks};\n}}\n"
    found = report("KICK004", PRELUDE + RULES["KICK004"].bad + kick).findings
    litmus = shown(next(each for each in found if each.span.path.endswith("run.c"))).litmus
    lines = [line.split(" //")[0].strip() for line in litmus.splitlines()]
    sent = lines.index("smp_store_release(ipi, 1);")
    assert lines[sent - 1].startswith("if (r")
    assert lines[sent - 1].endswith(f"{guard}) {{")


# A flush of this tree's own; whom it waits for is what its second function asks.
FLUSH = """
static bool example_needs_ipi(struct kvm_vcpu *vcpu, unsigned int req)
{
	int mode = kvm_vcpu_exiting_guest_mode(vcpu);

	if (req & KVM_REQUEST_WAIT)
		return mode != OUTSIDE_GUEST_MODE;
	return mode == IN_GUEST_MODE;
}

bool kvm_make_all_cpus_request(struct kvm *kvm, unsigned int req)
{
	struct kvm_vcpu *vcpu;
	int i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		kvm_make_request(req, vcpu);
		if (example_needs_ipi(vcpu, req))
			smp_send_reschedule(READ_ONCE(vcpu->cpu));
	}
	return true;
}

void kvm_flush_remote_tlbs(struct kvm *kvm)
{
	kvm_make_all_cpus_request(kvm, KVM_REQ_EXAMPLE_FLUSH);
}
"""
WAITS = "#define KVM_REQUEST_WAIT (1 << 9)\n#define KVM_REQ_EXAMPLE_FLUSH (0 | KVM_REQUEST_WAIT)\n"
NO_WAIT = "#define KVM_REQUEST_WAIT (1 << 9)\n#define KVM_REQ_EXAMPLE_FLUSH 0\n"


def test_pages_are_freed_behind_the_flush_of_this_tree() -> None:
    walk = PRELUDE + WAITS + RULES["KICK015"].bad + FLUSH
    race = shown(next(each for each in report("KICK015", walk).findings))
    assert (race.verdict, race.fixed_verdict, race.assumption) == ("Sometimes", "Never", "")
    others = {row.function for row in race.rows if row.thread == REQUESTER}
    assert others == {"kvm_flush_remote_tlbs", "kvm_make_request", "kvm_vcpu_exiting_guest_mode"}


def test_a_flush_that_does_not_wait_for_walks_frees_pages_under_the_right_walk_as_well() -> None:
    race = shown(
        next(each for each in report("KICK015", PRELUDE + NO_WAIT + RULES["KICK015"].bad + FLUSH).findings)
    )
    assert (race.verdict, race.fixed, race.assumption) == ("Sometimes", "", "")


def test_what_the_tree_does_not_hold_is_said_to_be_the_documents() -> None:
    race = shown(bad("KICK015"))
    assert race.assumption.startswith("the tree does not hold the flush")


def test_state_behind_its_request_is_read_too_early_by_the_consumer() -> None:
    race = shown(bad("KICK014"))
    assert (race.verdict, race.fixed_verdict, race.assumption) == ("Sometimes", "Never", "")
    mine = [row for row in race.rows if row.thread == VCPU]
    assert mine[-1].function == "example_handle_requests"
    assert mine[-1].text == "reads the vcpu's offset: as it was before"
    assert race.rows[-1].text == "writes the vcpu's offset"
    assert (race.rows[-1].function, race.rows[-1].thread) == ("example_set_offset", REQUESTER)


def test_state_behind_a_wake_up_leaves_the_vcpu_asleep() -> None:
    found = [each for each in by_fixtures("KICK014").values() if "may halt again" in each.message]
    assert found
    for each in found:
        race = shown(each)
        assert (race.verdict, race.fixed_verdict) == ("Sometimes", "Never")
        assert race.lost == "the vCPU sleeps, and what it was woken for was not seen"


# The gate of SIE as an architecture builds it by hand, whole but for what each case leaves out.
GATE = """/* world: s390 */
#include <linux/kvm_host.h>

#define PROG_BLOCK_SIE	(1 << 0)
#define PROG_REQUEST	(1 << 1)
#define PROG_IN_SIE	(1 << 0)

int sie64a(struct kvm_s390_sie_block *sie_block, u64 *rsa, unsigned long gasce);

void exit_sie(struct kvm_vcpu *vcpu)
{
	while (vcpu->arch.sie_block->prog0c & PROG_IN_SIE)
		cpu_relax();
}

void kvm_s390_vcpu_block(struct kvm_vcpu *vcpu)
{
	atomic_or(PROG_BLOCK_SIE, &vcpu->arch.sie_block->prog20);
	exit_sie(vcpu);
}

void kvm_s390_sync_request(int req, struct kvm_vcpu *vcpu)
{
	kvm_make_request(req, vcpu);
	ASK
	exit_sie(vcpu);
}

int toy_nested(struct kvm_vcpu *vcpu, struct kvm_s390_sie_block *shadow, unsigned long asce)
{
	int rc = 0;

	SAY
	if (!(atomic_read(&vcpu->arch.sie_block->prog20) & (LOOK)))
		rc = sie64a(shadow, vcpu->run->s.regs.gprs, asce);
	vcpu->arch.sie_block->prog0c &= ~PROG_IN_SIE;
	return rc;
}
"""
ASK = "atomic_or(PROG_REQUEST, &vcpu->arch.sie_block->prog20);"
SAY = "vcpu->arch.sie_block->prog0c |= PROG_IN_SIE;"
LOOK = "PROG_BLOCK_SIE | PROG_REQUEST"


@pytest.mark.parametrize(
    ("ask", "say", "look", "guilty", "other"),
    [
        ("", SAY, LOOK, "kvm_s390_sync_request", "toy_nested"),
        (ASK, "", LOOK, "toy_nested", "exit_sie"),
        (ASK, SAY, "PROG_BLOCK_SIE", "toy_nested", "kvm_s390_sync_request"),
        (ASK, SAY, "PROG_REQUEST", "toy_nested", "kvm_s390_vcpu_block"),
    ],
)
def test_both_sides_of_the_gate_of_sie_are_the_trees(
    ask: str, say: str, look: str, guilty: str, other: str
) -> None:
    text = GATE.replace("ASK", ask).replace("SAY", say).replace("LOOK", look)
    files: dict[str, bytes | None] = {MAIN: (DEMO / MAIN).read_bytes()}
    found = report_on(OverlayTree(tree_of(text, "s390"), files), frozenset({"KICK017"})).findings
    race = shown(next(each for each in found if each.function == guilty))
    assert (race.verdict, race.fixed_verdict, race.assumption) == ("Sometimes", "Never", "")
    assert {guilty, other, "exit_sie"} <= {row.function for row in race.rows}


def test_a_decision_that_changes_nothing_sends_two_ipis_for_one_stay() -> None:
    found = [each for each in by_fixtures("KICK007").values() if "changes nothing" in each.message]
    assert found
    for each in found:
        race = shown(each)
        assert race.lost == "in the guest once, and two IPIs are sent for it"
        assert any(row.text.startswith("another one: ") for row in race.rows)
        assert check(read_litmus(race.litmus)).verdict is Verdict(race.verdict)


def test_every_automaton_of_the_rules_about_order_has_a_race() -> None:
    without = {
        rule.id
        for rule in RULES.values()
        for automaton in rule.automaton
        if automaton.race is None and any(each.message for each in automaton.transition)
    }
    # Interrupts that come on, kicks that are missing, bits that are not the API's: no order of two threads.
    assert without == {"KICK006", "KICK010", "KICK013"}


def test_what_a_store_that_waits_does_is_named() -> None:
    """A bit that is cleared late is not called a request that becomes visible."""
    header = (DEMO / HEADER).read_text(encoding="utf-8").replace("\tsmp_mb__after_atomic();\n", "")
    found = report("KICK014", PRELUDE, include__linux__kvm_host=header.encode()).findings
    race = shown(next(each for each in found if each.function == "kvm_check_request"))
    late = [row.text for row in race.rows if "becomes visible" in row.text]
    assert late
    assert not [text for text in late if text.startswith("the request becomes visible: clear_bit")]
