"""KICK017: s390's gate, PROG_REQUEST and PROG_IN_SIE, out of order or open."""

from __future__ import annotations

import re

from kernel_edits import Above, Edit, Replace

from mutants.guest_places import S390, VSIE
from mutants.model import Mutant

REQUEST = "kvm_s390_vcpu_request"
SYNC = "kvm_s390_sync_request"
HANDLE = "kvm_s390_handle_requests"
HANDLED = "kvm_s390_vcpu_request_handled"
INHIBITED = "kvm_s390_vcpu_sie_inhibited"
RUN = "__vcpu_run"
PRE = "vcpu_pre_run"
NESTED = "do_vsie_run"
SET = "atomic_or(PROG_REQUEST, &vcpu->arch.sie_block->prog20);"
CLEAR = "kvm_s390_vcpu_request_handled(vcpu);"
PENDING = "if (!kvm_request_pending(vcpu)) return 0;"
IN_SIE = "vcpu->arch.sie_block->prog0c |= PROG_IN_SIE;"
TEST = "if (!kvm_s390_vcpu_sie_inhibited(vcpu))"
VENTER = "rc = sie64a(scb_s, vcpu->run->s.regs.gprs, gmap_get_enabled()->asce);"
OPEN = "A vCPU between its look at the requests and SIE is not held back: it runs with the request pending."
CLEARED = (
    "A request that came after the look at the requests has its PROG_REQUEST cleared, and SIE is entered."
)
UNSEEN = "exit_sie() sees no PROG_IN_SIE and does not wait; the vSIE has looked before PROG_REQUEST was set."


def gate(name: str, operator: str, functions: tuple[str, ...], *edits: Edit, why: str) -> Mutant:
    """The mutant of KICK017 called ``name``."""
    return Mutant(f"s390-kick017-{name}", "KICK017", "s390", functions, operator, edits, why)


def s390(function: str, pattern: str | re.Pattern[str], replacement: str) -> Replace:
    return Replace(S390, function, pattern, replacement)


def vsie(pattern: str, replacement: str) -> Replace:
    return Replace(VSIE, NESTED, pattern, replacement)


MUTANTS = (
    gate(
        "exit-before-the-bit",
        "swap",
        (REQUEST,),
        s390(REQUEST, f"{SET} exit_sie(vcpu);", f"exit_sie(vcpu); {SET}"),
        why="The vCPU leaves SIE, finds no PROG_REQUEST, and may be in SIE again before the bit is set.",
    ),
    gate("no-bit", "delete", (REQUEST, SYNC), s390(REQUEST, SET, ""), why=OPEN),
    gate(
        "bit-only-inside-sie",
        "branch",
        (REQUEST, SYNC),
        s390(REQUEST, SET, f"if (vcpu->arch.sie_block->prog0c & PROG_IN_SIE) {SET}"),
        why=OPEN,
    ),
    gate(
        "bit-only-outside-sie",
        "invert",
        (REQUEST, SYNC),
        s390(REQUEST, SET, f"if (!(vcpu->arch.sie_block->prog0c & PROG_IN_SIE)) {SET}"),
        why="A vCPU in the vSIE leaves it once; vsie_run() finds nothing that inhibits it and goes back in.",
    ),
    gate(
        "wrong-bit",
        "weaken",
        (REQUEST, SYNC),
        s390(REQUEST, SET, "atomic_andnot(PROG_REQUEST, &vcpu->arch.sie_block->prog20);"),
        why=OPEN,
    ),
    gate(
        "bit-in-a-helper-below-the-exit",
        "hide",
        (REQUEST, "kvm_s390_vcpu_mark_request"),
        Above(
            S390,
            REQUEST,
            f"static void kvm_s390_vcpu_mark_request(struct kvm_vcpu *vcpu)\n{{\n\t{SET}\n}}",
        ),
        s390(REQUEST, f"{SET} exit_sie(vcpu);", "exit_sie(vcpu); kvm_s390_vcpu_mark_request(vcpu);"),
        why="The vCPU leaves SIE, finds no PROG_REQUEST, and may be in SIE again before the bit is set.",
    ),
    gate(
        "request-with-exit-only",
        "weaken",
        (SYNC,),
        s390(SYNC, "kvm_s390_vcpu_request(vcpu);", "exit_sie(vcpu);"),
        why=OPEN,
    ),
    gate(
        "prefix-notifier-with-exit-only",
        "split",
        ("kvm_gmap_notifier",),
        s390(
            "kvm_gmap_notifier",
            "kvm_s390_sync_request(KVM_REQ_REFRESH_GUEST_PREFIX, vcpu);",
            "__kvm_make_request(KVM_REQ_REFRESH_GUEST_PREFIX, vcpu); exit_sie(vcpu);",
        ),
        why=OPEN,
    ),
    gate(
        "cleared-at-the-end",
        "move",
        (HANDLE,),
        s390(
            HANDLE,
            f"retry: {CLEAR} {PENDING}",
            f"retry: if (!kvm_request_pending(vcpu)) {{ {CLEAR} return 0; }}",
        ),
        why=CLEARED,
    ),
    gate(
        "cleared-behind-the-last-request",
        "move",
        (HANDLE,),
        s390(
            HANDLE,
            "kvm_clear_request(KVM_REQ_VSIE_RESTART, vcpu);",
            f"kvm_clear_request(KVM_REQ_VSIE_RESTART, vcpu); {CLEAR}",
        ),
        why=CLEARED,
    ),
    gate(
        "cleared-by-the-caller",
        "split",
        (PRE, HANDLE, HANDLED),
        s390(HANDLE, CLEAR, ""),
        s390(PRE, "rc = kvm_s390_handle_requests(vcpu);", f"rc = kvm_s390_handle_requests(vcpu); {CLEAR}"),
        why=CLEARED,
    ),
    gate(
        "cleared-before-sie",
        "split",
        (RUN, HANDLED),
        s390(RUN, "exit_reason = sie64a(", f"{CLEAR} exit_reason = sie64a("),
        why=CLEARED,
    ),
    gate(
        "cleared-with-debugging-only",
        "branch",
        (PRE, HANDLED),
        s390(PRE, "kvm_s390_backup_guest_per_regs(vcpu);", f"kvm_s390_backup_guest_per_regs(vcpu); {CLEAR}"),
        why=CLEARED,
    ),
    gate(
        "nested-test-deleted", "delete", (NESTED,), vsie(TEST, ""), why="Requests do not hold back the vSIE."
    ),
    gate(
        "nested-in-sie-deleted",
        "delete",
        (NESTED,),
        vsie(IN_SIE, ""),
        why="exit_sie() never waits for the vSIE, which may have looked before PROG_REQUEST was set.",
    ),
    gate(
        "nested-test-above-in-sie",
        "swap",
        (NESTED,),
        vsie(IN_SIE, ""),
        vsie(f"{TEST} {VENTER}", f"{TEST} {{ {IN_SIE} {VENTER} }}"),
        why=UNSEEN,
    ),
    gate(
        "nested-test-far-above",
        "move",
        (NESTED,),
        vsie(
            "handle_last_fault(vcpu, vsie_page);",
            "bool inhibited = kvm_s390_vcpu_sie_inhibited(vcpu); handle_last_fault(vcpu, vsie_page);",
        ),
        vsie(TEST, "if (!inhibited)"),
        why=UNSEEN,
    ),
    gate(
        "nested-test-inverted",
        "invert",
        (NESTED,),
        vsie(TEST, "if (kvm_s390_vcpu_sie_inhibited(vcpu))"),
        why="The vSIE is entered just when something asks to stay out.",
    ),
    gate(
        "nested-in-sie-on-one-way",
        "branch",
        (NESTED,),
        vsie(IN_SIE, f"if (!(vcpu->arch.sie_block->fpf & FPF_BPBC)) {IN_SIE}"),
        why="On the other way exit_sie() does not wait for a vSIE that has looked already.",
    ),
    gate(
        "nested-helper-looks-first",
        "hide",
        (NESTED, "enter_vsie"),
        Above(
            VSIE,
            NESTED,
            "static int enter_vsie(struct kvm_vcpu *vcpu, struct kvm_s390_sie_block *scb_s)\n{\n"
            f"\tint rc = 0;\n\n\t{TEST} {{\n\t\t{IN_SIE}\n\t\t{VENTER}\n\t}}\n\treturn rc;\n}}",
        ),
        vsie(f"{TEST} {VENTER}", "rc = enter_vsie(vcpu, scb_s);"),
        vsie(IN_SIE, ""),
        why=UNSEEN,
    ),
    gate(
        "test-forgets-the-requests",
        "weaken",
        (INHIBITED, NESTED, "vsie_run"),
        s390(INHIBITED, "(PROG_BLOCK_SIE | PROG_REQUEST)", "PROG_BLOCK_SIE"),
        why="A request ends the vSIE once; vsie_run() goes round and enters it again with it pending.",
    ),
)
