"""KICK018: book3s_hv looks at pending work before cpu and thread_cpu are published."""

from __future__ import annotations

from kernel_edits import Above, Edit, Replace

from mutants.guest_places import HV, HV_RUN
from mutants.model import Mutant

CPU = "vcpu->cpu = pcpu;"
THREAD = "vcpu->arch.thread_cpu = pcpu;"
BOTH = f"{CPU} {THREAD}"
MB = "smp_mb();"
BELOW = "if (vcpu->arch.timer_running) {"
WORK = "kvmppc_core_prepare_to_enter(vcpu);"
NESTED = "} else if (vcpu->arch.pending_exceptions || xive_interrupt_pending(vcpu)) {"
EARLY = (
    "Work is queued after the look and before cpu and thread_cpu are set: the kick finds no cpu to send to."
)
UNORDERED = (
    "The look may come before the stores are seen: the kick reads -1 and sends nothing, the work waits."
)


def entry(
    name: str, operator: str, *edits: Edit, why: str = UNORDERED, besides: tuple[str, ...] = ()
) -> Mutant:
    """The mutant of KICK018 called ``name``."""
    return Mutant(f"powerpc-kick018-{name}", "KICK018", "powerpc", (HV_RUN, *besides), operator, edits, why)


def hv(pattern: str, replacement: str) -> Replace:
    return Replace(HV, HV_RUN, pattern, replacement)


MUTANTS = (
    entry("barrier-deleted", "delete", hv(MB, "")),
    entry("store-barrier", "weaken", hv(MB, "smp_wmb();")),
    entry("load-barrier", "weaken", hv(MB, "smp_rmb();")),
    entry("lwsync", "weaken", hv(MB, "__lwsync();")),
    entry("release", "weaken", hv(THREAD, "smp_store_release(&vcpu->arch.thread_cpu, pcpu);"), hv(MB, "")),
    entry("barrier-above-the-stores", "swap", hv(MB, ""), hv(CPU, f"{MB} {CPU}")),
    entry("barrier-below-the-look", "move", hv(MB, ""), hv(BELOW, f"{MB} {BELOW}")),
    entry(
        "barrier-without-nesting-only",
        "branch",
        hv(MB, f"if (!nested) {MB}"),
        why="A nested entry looks at pending_exceptions with no barrier behind the stores.",
    ),
    entry("barrier-with-nesting-only", "branch", hv(MB, f"if (nested) {MB}")),
    entry("published-below-the-look", "move", hv(BOTH, ""), hv(BELOW, f"{BOTH} {MB} {BELOW}"), why=EARLY),
    entry(
        "cpu-published-late",
        "move",
        hv(BOTH, THREAD),
        hv(BELOW, f"{CPU} {BELOW}"),
        why="On pseries a thread cannot be sent a message, the kick falls back on vcpu->cpu and finds -1.",
    ),
    entry(
        "published-by-the-entry",
        "split",
        hv(BOTH, ""),
        Replace(
            HV,
            "kvmhv_p9_guest_entry",
            "vcpu_vpa_increment_dispatch(vcpu); if (kvmhv_on_pseries()) {",
            "vcpu->cpu = smp_processor_id(); vcpu->arch.thread_cpu = vcpu->cpu; "
            "vcpu_vpa_increment_dispatch(vcpu); if (kvmhv_on_pseries()) {",
        ),
        why=EARLY,
        besides=("kvmhv_p9_guest_entry",),
    ),
    entry(
        "published-without-nesting-only",
        "branch",
        hv(BOTH, f"if (!nested) {{ {BOTH} }}"),
        why="A nested guest runs with thread_cpu -1, and no kick reaches it.",
    ),
    entry(
        "look-above-the-stores",
        "move",
        hv(WORK, ""),
        hv("preempt_disable(); pcpu", f"if (!nested) {WORK} preempt_disable(); pcpu"),
        why=EARLY,
    ),
    entry(
        "nested-look-above-the-stores",
        "move",
        hv(CPU, f"bool work = vcpu->arch.pending_exceptions || xive_interrupt_pending(vcpu); {CPU}"),
        hv(NESTED, "} else if (work) {"),
        why="A nested entry decides by a look from before the stores.",
    ),
    entry(
        "helper-with-a-store-barrier",
        "hide",
        Above(
            HV,
            HV_RUN,
            "static void kvmhv_publish_cpu(struct kvm_vcpu *vcpu, int pcpu)\n{\n"
            f"\t{CPU}\n\t{THREAD}\n\tsmp_wmb();\n}}",
        ),
        hv(BOTH, "kvmhv_publish_cpu(vcpu, pcpu);"),
        hv(MB, ""),
        besides=("kvmhv_publish_cpu",),
    ),
    entry(
        "macro-without-a-barrier",
        "hide",
        Above(HV, HV_RUN, "#define hv_publish_barrier() barrier()"),
        hv(MB, "hv_publish_barrier();"),
    ),
)
