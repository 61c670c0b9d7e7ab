// The nearest to KICK003 that one function shows: from the write of IN_GUEST_MODE a
// way leads to the guest (by the names of the entries) past no test for requests.
virtual report

@entry@
expression v, w;
identifier enter =~ "^(kvm_x86_vcpu_run|svm_vcpu_run|vmx_vcpu_run|__kvm_vcpu_run|kvm_arm_vcpu_enter_exit|kvm_riscv_enter_exit_vcpu|__kvm_riscv_switch_to|kvm_enter_guest|kvmppc_run_core|sie64a)$";
position p, q;
@@
(
 v->mode@p = IN_GUEST_MODE
|
 WRITE_ONCE(v->mode, IN_GUEST_MODE)@p
|
 smp_store_release(&v->mode, IN_GUEST_MODE)@p
|
 smp_store_mb(v->mode, IN_GUEST_MODE)@p
|
 xchg(&v->mode, IN_GUEST_MODE)@p
)
 ... when != kvm_request_pending(w)
     when != kvm_vcpu_exit_request(w)
     when != kvm_check_request(..., w)
     when exists
 enter@q(...)

@script:python depends on report@
p << entry.p;
q << entry.q;
@@
print(f"{q[0].file}:{q[0].line}: KICK003: no test since line {p[0].line}")
