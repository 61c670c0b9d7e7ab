"""An architecture that rules/ has never heard of, with a run loop of its own.

Its files are laid over a real kernel, and over a tree of its own that holds nothing but
the generic code. How it enters the guest is not known and has to be inferred.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from kernel_edits import Edit, Whole, assert_as_before, assert_fault, check, edited, kept

from kicklint.engine.analysis import AnalysisRequest, analyse_tree

ARCH = "toyarch"
RUN_C = f"arch/{ARCH}/kvm/run.c"
HEADER_H = f"arch/{ARCH}/include/asm/kvm_host.h"
ONCE = "toy_run_once"

HEADER = """\
/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __ASM_TOY_KVM_HOST_H
#define __ASM_TOY_KVM_HOST_H

struct kvm_vcpu_arch {
	unsigned long regs[32];
	int (*enter)(struct kvm_vcpu *vcpu);
	bool pause;
};

struct toy_ops {
	int (*run)(struct kvm_vcpu *vcpu);
};

extern struct toy_ops *toy_ops;
int toy_handle_exit(struct kvm_vcpu *vcpu, int ret);
@PROTOTYPE@
#endif
"""

EXIT = """\
// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>

int toy_handle_exit(struct kvm_vcpu *vcpu, int ret)
{
	vcpu->stat.exits++;
	return ret == 0 ? 1 : -EFAULT;
}

void toy_load_state(struct kvm_vcpu *vcpu)
{
	vcpu->arch.regs[0] = 0;
}
"""

RUN = """\
// SPDX-License-Identifier: GPL-2.0
#include <linux/kvm_host.h>
@PROTOTYPE@
static inline void toy_irq_off(void)
{
	asm volatile("cli" : : : "memory");
}

static inline void toy_irq_on(void)
{
	asm volatile("sti" : : : "memory");
}

@HELPERS@
static int toy_run_once(struct kvm_vcpu *vcpu)
{
	int ret;

	preempt_disable();
	toy_load_state(vcpu);
	toy_irq_off();
	@MODE@
	@BEFORE@
	if (@TEST@) {
		@ABORT@
		vcpu->mode = OUTSIDE_GUEST_MODE;
		toy_irq_on();
		preempt_enable();
		return 1;
	}
	@AFTER@
	@ENTER@
	@EXITED@
	vcpu->mode = OUTSIDE_GUEST_MODE;
	toy_irq_on();
	preempt_enable();
	return toy_handle_exit(vcpu, ret);
}

int kvm_arch_vcpu_ioctl_run(struct kvm_vcpu *vcpu)
{
	int ret = 1;

	vcpu_load(vcpu);
	while (ret > 0) {
		if (signal_pending(current))
			ret = -EINTR;
		else
			ret = toy_run_once(vcpu);
	}
	vcpu_put(vcpu);
	return ret;
}
"""

ASSEMBLY = """\
/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/linkage.h>

SYM_FUNC_START(__toy_switch)
	ret
SYM_FUNC_END(__toy_switch)
"""

WRAPPER = """\
static int noinstr toy_enter_exit(struct kvm_vcpu *vcpu)
{
	int r;

	guest_state_enter_irqoff();
	r = __toy_switch(vcpu);
	guest_state_exit_irqoff();
	return r;
}
"""


@dataclass(frozen=True)
class Toy:
    """The pieces of the run loop."""

    enter: str = "ret = __toy_switch(vcpu);"
    in_source: str = ""
    in_header: str = ""
    assembly: str = ""
    wrapper: str = ""
    mode: str = "smp_store_mb(vcpu->mode, IN_GUEST_MODE);"
    test: str = "kvm_request_pending(vcpu)"
    helpers: str = ""
    before: str = ""
    abort: str = ""
    after: str = ""
    exited: str = ""

    def files(self) -> list[Edit]:
        """The files of the architecture."""
        words = {
            "@HELPERS@": self.helpers + self.wrapper,
            "@MODE@": self.mode,
            "@BEFORE@": self.before,
            "@TEST@": self.test,
            "@ABORT@": self.abort,
            "@AFTER@": self.after,
            "@ENTER@": self.enter,
            "@EXITED@": self.exited,
        }
        text = RUN.replace("@PROTOTYPE@", self.in_source)
        for word, piece in words.items():
            assert text.count(word) == 1
            text = text.replace(word, piece)
        files: list[Edit] = [
            Whole(RUN_C, text),
            Whole(f"arch/{ARCH}/kvm/exit.c", EXIT),
            Whole(HEADER_H, HEADER.replace("@PROTOTYPE@", self.in_header)),
        ]
        if self.assembly:
            files.append(Whole(f"arch/{ARCH}/kvm/switch.S", self.assembly))
        return files


PROTOTYPE = "int __toy_switch(struct kvm_vcpu *vcpu);\n"
ENTRIES = {
    "assembly": Toy(in_source=f"extern {PROTOTYPE}", assembly=ASSEMBLY),
    "assembly-without-a-prototype": Toy(assembly=ASSEMBLY),
    "assembly-for-arch": Toy(
        enter="ret = __toy_switch(&vcpu->arch);",
        in_header="int __toy_switch(struct kvm_vcpu_arch *arch);\n",
        assembly=ASSEMBLY,
    ),
    "assembly-with-entry-macro": Toy(
        in_source=f"extern {PROTOTYPE}", assembly="ENTRY(__toy_switch)\n\tret\n"
    ),
    "header": Toy(in_header=f"extern {PROTOTYPE}"),
    "undeclared-for-arch": Toy(enter="ret = toy_into_guest(&vcpu->arch);"),
    "undeclared-without-a-value": Toy(enter="toy_into_guest(vcpu); ret = 0;"),
    "pointer": Toy(enter="ret = vcpu->arch.enter(vcpu);"),
    "pointer-of-a-table": Toy(enter="ret = toy_ops->run(vcpu);"),
    "wrapper-of-assembly": Toy(
        enter="ret = toy_enter_exit(vcpu);", in_header=PROTOTYPE, assembly=ASSEMBLY, wrapper=WRAPPER
    ),
    "wrapper-of-header": Toy(enter="ret = toy_enter_exit(vcpu);", in_header=PROTOTYPE, wrapper=WRAPPER),
}
# What stands around an entry: traces and accounting of generic code, which are not entries.
USUAL = {
    "after": "trace_kvm_entry(vcpu); guest_timing_enter_irqoff();",
    "exited": "guest_timing_exit_irqoff(); trace_kvm_exit(vcpu);",
}
ENTERING = [pytest.param(toy, id=name) for name, toy in ENTRIES.items()]
ENTERING += [pytest.param(replace(toy, **USUAL), id=f"{name}-traced") for name, toy in ENTRIES.items()]


@pytest.fixture(scope="session")
def bare(kernels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the generic code of 6.12 only."""
    root = tmp_path_factory.mktemp("bare")
    shutil.copytree(kernels["6.12"] / "virt/kvm", root / "virt/kvm")
    return root


@pytest.fixture(scope="session", params=["kernel", "bare"])
def base(request: pytest.FixtureRequest, kernels: dict[str, Path], bare: Path) -> Path:
    """What the architecture's files are laid over: a kernel, or generic code alone."""
    return kernels["6.12"] if request.param == "kernel" else bare


def clean(base: Path, toy: Toy) -> None:
    """Nothing new is found."""
    assert_as_before(check(base, toy.files(), ARCH))


def faulty(base: Path, toy: Toy, rule: str, function: str = ONCE) -> None:
    """Exactly ``rule`` is found, in or through ``function``."""
    assert_fault(check(base, toy.files(), ARCH), rule, function)


def test_no_rule_names_it(root: Path) -> None:
    for file in (root / "rules").glob("*.toml"):
        assert "toy" not in file.read_text(encoding="utf-8")


def test_the_entry_that_was_inferred_is_told(base: Path) -> None:
    tree = edited(base, ENTRIES["assembly"].files())
    report = analyse_tree(tree, AnalysisRequest(base, architectures=(ARCH,)))
    notes = [note.message for note in report.notes if note.code == "inferred-entry"]
    assert notes == [f"{ARCH}: the guest entry is not known and was inferred: __toy_switch()"]
    assert ARCH not in kept(base).architectures()


@pytest.mark.parametrize("toy", ENTERING)
def test_a_loop_without_a_fault(base: Path, toy: Toy) -> None:
    clean(base, toy)


@pytest.mark.parametrize("toy", ENTERING)
def test_the_test_deleted(base: Path, toy: Toy) -> None:
    faulty(base, replace(toy, test="signal_pending(current)"), "KICK003")


@pytest.mark.parametrize("toy", ENTERING)
def test_a_request_behind_the_test(base: Path, toy: Toy) -> None:
    faulty(base, replace(toy, after=f"{toy.after} kvm_make_request(KVM_REQ_UNBLOCK, vcpu);"), "KICK002")


NOISE = {
    "before": "toy_prepare(vcpu); arch_flush(&vcpu->arch, 1);",
    "after": "trace_kvm_entry(vcpu); toy_restore_fpu(vcpu); guest_timing_enter_irqoff();",
    "exited": "toy_save_fpu(vcpu); guest_timing_exit_irqoff();",
}
AMIDST = [pytest.param(replace(toy, **NOISE), id=name) for name, toy in ENTRIES.items()]


@pytest.mark.parametrize("toy", AMIDST)
def test_other_undefined_functions_around_and_no_fault(base: Path, toy: Toy) -> None:
    clean(base, toy)


@pytest.mark.parametrize("toy", AMIDST)
def test_other_undefined_functions_around_and_no_test(base: Path, toy: Toy) -> None:
    faulty(base, replace(toy, test="signal_pending(current)"), "KICK003")


@pytest.mark.parametrize("toy", AMIDST)
def test_other_undefined_functions_around_and_a_kick(base: Path, toy: Toy) -> None:
    faulty(base, replace(toy, after=f"kvm_vcpu_kick(vcpu); {toy.after}"), "KICK002")


TOY = replace(ENTRIES["assembly"], **USUAL)
HELPER = "static {}\n{{\n\t{}\n}}\n\n"
POKE = HELPER.format("void toy_poke(struct kvm_vcpu *v)", "kvm_make_request(KVM_REQ_UNBLOCK, v);")
AGAIN = "for (;;) { ret = __toy_switch(vcpu); if (ret != 2) break; @ }"
OTHER = "kvm_get_vcpu(vcpu->kvm, 0)"

RIGHT = [
    pytest.param(
        replace(
            TOY,
            mode="toy_announce(vcpu);",
            helpers=HELPER.format(
                "void toy_announce(struct kvm_vcpu *v)", "smp_store_mb(v->mode, IN_GUEST_MODE);"
            ),
        ),
        id="mode-in-a-helper",
    ),
    pytest.param(
        replace(
            TOY,
            mode="toy_set_mode(vcpu, IN_GUEST_MODE);",
            helpers=HELPER.format(
                "void toy_set_mode(struct kvm_vcpu *v, int to)", "WRITE_ONCE(v->mode, to);"
            ),
        ),
        id="mode-through-an-accessor",
    ),
    pytest.param(replace(TOY, mode="vcpu->mode = IN_GUEST_MODE; smp_mb();"), id="mode-and-barrier"),
    pytest.param(replace(TOY, test="vcpu->arch.pause || READ_ONCE(vcpu->requests)"), id="requests-read"),
    pytest.param(
        replace(
            TOY,
            test="toy_stay(vcpu)",
            helpers=HELPER.format("bool toy_stay(struct kvm_vcpu *v)", "return kvm_request_pending(v);"),
        ),
        id="test-in-a-helper",
    ),
    pytest.param(
        replace(TOY, before="bool stay = kvm_request_pending(vcpu);", test="stay || need_resched()"),
        id="bool",
    ),
    pytest.param(
        replace(TOY, enter=AGAIN.replace("@", "if (kvm_request_pending(vcpu)) break;")), id="tested-again"
    ),
    pytest.param(replace(TOY, after=f"kvm_vcpu_kick({OTHER});"), id="kick-of-another-vcpu"),
    pytest.param(replace(TOY, abort="kvm_make_request(KVM_REQ_UNBLOCK, vcpu);"), id="request-on-the-way-out"),
    pytest.param(replace(TOY, before="toy_poke(vcpu);", helpers=POKE), id="request-before-the-test"),
    pytest.param(replace(TOY, exited="toy_poke(vcpu);", helpers=POKE), id="request-after-the-exit"),
]


@pytest.mark.parametrize("toy", RIGHT)
def test_a_loop_that_is_right(base: Path, toy: Toy) -> None:
    clean(base, toy)


WRONG = [
    pytest.param(replace(TOY, test="!kvm_request_pending(vcpu)"), "KICK003", ONCE, id="sense-turned"),
    pytest.param(
        replace(TOY, test="vcpu->arch.pause && kvm_request_pending(vcpu)"), "KICK003", ONCE, id="and"
    ),
    pytest.param(replace(TOY, test=f"kvm_request_pending({OTHER})"), "KICK003", ONCE, id="another-vcpu"),
    pytest.param(
        replace(TOY, test="kvm_test_request(KVM_REQ_UNBLOCK, vcpu)"), "KICK003", ONCE, id="one-kind"
    ),
    pytest.param(
        replace(TOY, mode=f"bool stay = kvm_request_pending(vcpu); {TOY.mode}", test="stay"),
        "KICK003",
        ONCE,
        id="stale-bool",
    ),
    pytest.param(replace(TOY, mode="", after=TOY.mode), "KICK003", ONCE, id="mode-behind-the-test"),
    pytest.param(
        replace(
            TOY,
            mode="toy_announce(vcpu);",
            test="vcpu->arch.pause",
            helpers=HELPER.format(
                "void toy_announce(struct kvm_vcpu *v)", "smp_store_mb(v->mode, IN_GUEST_MODE);"
            ),
        ),
        "KICK003",
        ONCE,
        id="mode-in-a-helper-and-no-test",
    ),
    pytest.param(
        replace(
            TOY,
            test="toy_stay(vcpu)",
            helpers=HELPER.format("bool toy_stay(struct kvm_vcpu *v)", "return !kvm_request_pending(v);"),
        ),
        "KICK003",
        ONCE,
        id="helper-turned",
    ),
    pytest.param(replace(TOY, enter=AGAIN.replace("@", "")), "KICK003", ONCE, id="entered-again"),
    pytest.param(
        replace(TOY, enter=AGAIN.replace("@", "kvm_request_pending(vcpu);")),
        "KICK003",
        ONCE,
        id="again-thrown-away",
    ),
    pytest.param(
        replace(
            TOY,
            enter=AGAIN.replace("@", "if (kvm_request_pending(vcpu)) break; toy_poke(vcpu);"),
            helpers=POKE,
        ),
        "KICK002",
        "toy_poke",
        id="request-on-the-back-edge",
    ),
    pytest.param(
        replace(TOY, after="toy_poke(vcpu);", helpers=POKE), "KICK002", "toy_poke", id="request-in-a-helper"
    ),
    pytest.param(
        replace(
            TOY,
            after="toy_later(vcpu);",
            helpers=POKE
            + HELPER.format("void toy_later(struct kvm_vcpu *w)", "if (w->arch.pause) toy_poke(w);"),
        ),
        "KICK002",
        "toy_poke",
        id="request-two-deep",
    ),
]


@pytest.mark.parametrize(("toy", "rule", "function"), WRONG)
def test_a_loop_that_is_wrong(base: Path, toy: Toy, rule: str, function: str) -> None:
    faulty(base, toy, rule, function)
