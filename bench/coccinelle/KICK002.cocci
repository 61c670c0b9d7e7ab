// The nearest to re-entry (KICK002) that one function shows: a loop calls the guest
// entry, and some round goes on without a test for requests.
virtual report

@loop@
expression w;
identifier enter =~ "^(kvm_x86_vcpu_run|svm_vcpu_run|vmx_vcpu_run|__kvm_vcpu_run|kvm_arm_vcpu_enter_exit|kvm_riscv_enter_exit_vcpu|__kvm_riscv_switch_to|kvm_enter_guest|kvmppc_run_core|sie64a)$";
position p, q;
@@
 enter@p(...)
 ... when != kvm_request_pending(w)
     when != kvm_vcpu_exit_request(w)
     when != kvm_check_request(..., w)
     when exists
 enter@q(...)

@script:python depends on report@
p << loop.p;
q << loop.q;
@@
print(f"{q[0].file}:{q[0].line}: KICK002: entered again after line {p[0].line} without a test")
