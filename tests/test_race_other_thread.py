"""The other thread, and the vCPU's own way, are those of the kernel that the finding is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixture_trees import DEMO, HEADER, report_on, tree_of
from kernel_edits import edited
from mutants.bench import gathered
from mutants.model import Mutant
from test_race import LOOP, MAIN, PRELUDE, RULES, report, shown

from kicklint.base import REQUESTER, VCPU, Finding, Interleaving, Severity
from kicklint.engine.analysis import AnalysisRequest, analyse_tree
from kicklint.memory import Verdict, check, read_litmus
from kicklint.source import OverlayTree

ALWAYS = """
int kvm_arch_vcpu_should_kick(struct kvm_vcpu *vcpu)
{
	return 1;
}
"""


def mended(race: Interleaving) -> bool:
    """Whether the litmus tests of ``race`` come out as they are to: one goes wrong, the other never."""
    as_it_is = check(read_litmus(race.litmus)).verdict
    return as_it_is is not Verdict.NEVER and check(read_litmus(race.fixed)).verdict is Verdict.NEVER


def in_order(race: Interleaving, *texts: str) -> bool:
    """Whether rows that begin with ``texts`` come in this order."""
    rows = iter(row.text for row in race.rows)
    return all(any(row.startswith(text) for row in rows) for text in texts)


def test_an_ipi_that_is_always_sent_comes_while_the_host_still_takes_it() -> None:
    finding = next(iter(report("KICK009", PRELUDE + RULES["KICK009"].bad + ALWAYS).findings))
    race = shown(finding)
    assert in_order(
        race, "looks for what the kick is for", "smp_send_reschedule", "interrupts are on", "smp_store_mb"
    )
    # What was written before an IPI is seen by who takes it, so nothing waits in a store buffer.
    assert not any("store buffer" in row.text for row in race.rows)
    assert mended(race)


TABLE = """
struct example_ops {
	void (*fast_vcpu_kick)(struct kvm_vcpu *vcpu);
};

static void example_kick(struct kvm_vcpu *vcpu)
{
	smp_send_reschedule(vcpu->cpu);
}

static struct example_ops example_ops = {
	.fast_vcpu_kick = example_kick,
};

void example_refresh(struct kvm_vcpu *vcpu)
{
	vcpu->arch.refresh = true;
	example_ops.fast_vcpu_kick(vcpu);
}
"""


def test_a_kick_by_a_table_is_what_the_table_holds() -> None:
    finding = next(each for each in report("KICK009", PRELUDE + TABLE + ALWAYS).findings)
    rows = shown(finding).rows
    assert [row.function for row in rows if row.text.startswith("smp_send_reschedule")] == ["example_kick"]
    called = next(row for row in rows if row.text.startswith("calls"))
    assert (called.thread, called.function) == (REQUESTER, "example_refresh")


def test_the_call_is_shown_whatever_of_it_comes_first() -> None:
    """The first event of a kick need be no access: its call has a line all the same."""
    finding = next(iter(report("KICK009", PRELUDE + RULES["KICK009"].bad).findings))
    assert in_order(shown(finding), "calls kvm_vcpu_kick(vcpu)", "kvm_arch_vcpu_should_kick()")


def test_a_kick_that_only_hands_on_is_what_it_hands_on_to() -> None:
    """Since Linux 6.17 kvm_vcpu_kick() is a line in a header."""
    declared = b"void kvm_vcpu_kick(struct kvm_vcpu *vcpu);\n"
    header = (DEMO / HEADER).read_bytes()
    assert declared in header
    wrapper = b"""void __kvm_vcpu_kick(struct kvm_vcpu *vcpu, bool wait);

static inline void kvm_vcpu_kick(struct kvm_vcpu *vcpu)
{
	__kvm_vcpu_kick(vcpu, false);
}
"""
    main = (
        (DEMO / MAIN)
        .read_bytes()
        .replace(
            b"void kvm_vcpu_kick(struct kvm_vcpu *vcpu)\n",
            b"void __kvm_vcpu_kick(struct kvm_vcpu *vcpu, bool wait)\n",
        )
    )
    files: dict[str, bytes | None] = {
        HEADER: header.replace(declared, wrapper),
        MAIN: main,
        "arch/toyarch/kvm/right.c": LOOP.encode(),
    }
    text = PRELUDE + RULES["KICK002"].bad
    found = report_on(OverlayTree(tree_of(text), files), frozenset({"KICK002"})).findings
    assert shown(next(each for each in found if each.span.path == "arch/toyarch/kvm/run.c"))


def test_a_guest_is_left_where_it_was_entered() -> None:
    """The helper that announces the vCPU does not write OUTSIDE_GUEST_MODE; its caller does."""
    loop = """
extern int __example_enter_guest(struct kvm_vcpu *vcpu);

static int example_prepare(struct kvm_vcpu *vcpu)
{
	local_irq_disable();
	smp_store_mb(vcpu->mode, IN_GUEST_MODE);
	if (kvm_request_pending(vcpu)) {
		vcpu->mode = EXITING_GUEST_MODE;
		local_irq_enable();
		return 0;
	}
	return 1;
}

int example_right(struct kvm_vcpu *vcpu)
{
	if (example_prepare(vcpu))
		__example_enter_guest(vcpu);
	vcpu->mode = OUTSIDE_GUEST_MODE;
	local_irq_enable();
	return 1;
}
"""
    stray = """
void example_stop_all(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	int i;

	kvm_for_each_vcpu(i, vcpu, kvm)
		WRITE_ONCE(vcpu->mode, EXITING_GUEST_MODE);
}
"""
    files: dict[str, bytes | None] = {
        MAIN: (DEMO / MAIN).read_bytes().replace(b"return mode == IN_GUEST_MODE", b"return true"),
        "arch/toyarch/kvm/right.c": (PRELUDE + loop).encode(),
    }
    tree = OverlayTree(tree_of(PRELUDE + stray + ALWAYS), files)
    (finding,) = report_on(tree, frozenset({"KICK007"})).findings
    race = shown(finding)
    assert finding.severity is Severity.ERROR
    assert race.lost == "out of the guest, the mode does not say OUTSIDE_GUEST_MODE"
    left = next(row for row in race.rows if row.text == "leaves the guest")
    assert (left.function, left.thread) == ("example_right", VCPU)


def test_the_kick_of_the_tree_is_broken_and_mended_by_itself() -> None:
    """What is wrong is kvm_vcpu_kick(): the test with the missing piece has its own reads in order."""
    main = (DEMO / MAIN).read_text("utf-8")
    broken = main.replace("\tme = get_cpu();\n", "\tme = get_cpu();\n\tcpu = READ_ONCE(vcpu->cpu);\n", 1)
    broken = broken.replace("\t\tcpu = READ_ONCE(vcpu->cpu);\n\t\tif (cpu != me", "\t\tif (cpu != me", 1)
    assert broken.count("cpu = READ_ONCE(vcpu->cpu)") == main.count("cpu = READ_ONCE(vcpu->cpu)")
    load = "\nvoid kvm_arch_vcpu_load(struct kvm_vcpu *vcpu, int cpu)\n{\n\tvcpu->cpu = cpu;\n}\n"
    load += "\nint kvm_arch_vcpu_should_kick(struct kvm_vcpu *vcpu)\n{\n"
    load += "\treturn kvm_vcpu_exiting_guest_mode(vcpu) == IN_GUEST_MODE;\n}\n"
    assert not report("KICK012", PRELUDE + load).findings
    files: dict[str, bytes | None] = {MAIN: broken.encode(), "arch/toyarch/kvm/right.c": LOOP.encode()}
    (finding,) = report_on(OverlayTree(tree_of(PRELUDE + load), files), frozenset({"KICK012"})).findings
    race = shown(finding)
    assert finding.function == "kvm_vcpu_kick"
    assert mended(race)
    lines = [line.split(" //")[0].strip() for line in race.fixed.splitlines()]
    exchange = next(n for n, line in enumerate(lines) if "cmpxchg(mode, 1, 2)" in line)
    read = next(n for n, line in enumerate(lines) if "READ_ONCE(*cpu)" in line)
    assert exchange < read
    moved = next(row for row in race.rows if row.text == "the vCPU has come to another CPU")
    assert (moved.function, moved.thread) == ("kvm_arch_vcpu_load", VCPU)


def test_a_decision_without_a_change_is_mended_by_the_exchange() -> None:
    reads = "\nint kvm_arch_vcpu_should_kick(struct kvm_vcpu *vcpu)\n{\n\tsmp_mb();\n"
    reads += "\treturn READ_ONCE(vcpu->mode) == IN_GUEST_MODE;\n}\n"
    (finding,) = report("KICK007", PRELUDE + reads).findings
    assert mended(shown(finding))


def test_a_mode_that_is_written_nowhere_is_written_in_the_test_with_the_missing_piece() -> None:
    files: dict[str, bytes | None] = {MAIN: (DEMO / MAIN).read_bytes()}
    tree = OverlayTree(tree_of(PRELUDE + RULES["KICK016"].bad), files)
    (finding,) = report_on(tree, frozenset({"KICK016"})).findings
    assert mended(shown(finding))


OPENED = """
extern int __example_enter_guest(struct kvm_vcpu *vcpu);

static bool example_stays_out(struct kvm_vcpu *vcpu)
{
	return vcpu->mode == EXITING_GUEST_MODE || kvm_request_pending(vcpu);
}

int example_run(struct kvm_vcpu *vcpu)
{
	local_irq_disable();
	smp_store_mb(vcpu->mode, IN_GUEST_MODE);
%s	if (example_stays_out(vcpu)) {
		vcpu->mode = OUTSIDE_GUEST_MODE;
		local_irq_enable();
		return 1;
	}
%s	__example_enter_guest(vcpu);
	vcpu->mode = OUTSIDE_GUEST_MODE;
	local_irq_enable();
	return 1;
}
"""
WINDOW = "\tlocal_irq_enable();\n\tlocal_irq_disable();\n"


@pytest.mark.parametrize(("before", "behind", "loses"), [(WINDOW, "", False), ("", WINDOW, True)])
def test_a_test_behind_the_open_interrupts_sees_what_the_ipi_was_for(
    before: str, behind: str, loses: bool
) -> None:
    """The test is in a helper that the rule about interrupts does not go into."""
    found = report("KICK005", PRELUDE + OPENED % (before, behind)).findings
    finding = next(each for each in found if each.function == "example_run")
    assert (finding.interleaving is not None) is loses
    assert finding.severity is (Severity.ERROR if loses else Severity.WARNING)
    if loses:
        assert in_order(shown(finding), "kvm_request_pending(vcpu): none is pending", "local_irq_enable()")


@pytest.mark.parametrize(
    ("around", "taken"),
    [("clgi();\n\tlocal_irq_enable();\n\t%s\tlocal_irq_disable();\n\tstgi();\n", False), ("%s", True)],
)
def test_nothing_comes_in_while_interrupts_are_held_off(around: str, taken: bool) -> None:
    """SVM lets interrupts in for the guest only: until it is entered the global flag holds them off."""
    again = "\tkvm_make_request(KVM_REQ_EVENT, vcpu);\n\t" + around % "__example_enter_guest(vcpu);\n"
    if taken:
        again = again.replace("\t__example", "\tlocal_irq_enable();\n\tlocal_irq_disable();\n\t__example")
    text = OPENED % ("", "") + "\n"
    text = text.replace("\t__example_enter_guest(vcpu);\n", again, 1)
    finding = next(each for each in report("KICK002", PRELUDE + text).findings)
    assert ("cmpxchg(ipi, 1, 0)" in shown(finding).litmus) is taken


def of_the_kernel(root: Path, name: str) -> Finding:
    """What is said of the mutant ``name`` in one of its functions."""
    mutant = next(each for each in gathered() if isinstance(each, Mutant) and each.id == name)
    request = AnalysisRequest(root, architectures=(mutant.architecture,), select=frozenset({mutant.rule}))
    found = analyse_tree(edited(root, mutant.edits), request).findings
    return next(each for each in found if each.function in mutant.functions)


@pytest.mark.parametrize("name", ["powerpc-009-hv-doorbell", "s390-008-sync-request"])
def test_a_kernel_without_a_mode_is_not_shown_with_the_mode_of_another(
    kernels: dict[str, Path], name: str
) -> None:
    race = shown(of_the_kernel(kernels["6.12"], name))
    assert race.assumption.startswith("no way of the vCPU to the guest over a test of the requests is known")
    assert not any("IN_GUEST_MODE" in row.text or row.span.path.endswith("_pr.c") for row in race.rows)
    assert mended(race)


def test_the_gate_of_sie_is_opened_before_requests_are_looked_for(kernels: dict[str, Path]) -> None:
    race = shown(of_the_kernel(kernels["6.12"], "s390-008-sync-request"))
    assert in_order(
        race, "exit_sie(vcpu)", "is not in the guest", "clears PROG_REQUEST", "looks for requests"
    )
    looks = next(row for row in race.rows if row.text == "looks for requests")
    assert looks.function == "kvm_s390_handle_requests"


@pytest.mark.parametrize("name", ["powerpc-009-set-tsr", "powerpc-007-msgsnd-exiting"])
def test_a_kick_that_never_looks_at_the_mode_is_judged(kernels: dict[str, Path], name: str) -> None:
    finding = of_the_kernel(kernels["6.12"], name)
    assert mended(shown(finding))
