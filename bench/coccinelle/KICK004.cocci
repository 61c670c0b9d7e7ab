// The nearest to KICK004 that one function shows: IN_GUEST_MODE is written plainly, and
// the requests are read before any full barrier.
virtual report

@unordered@
expression v, w;
position p, q;
@@
(
 v->mode@p = IN_GUEST_MODE
|
 WRITE_ONCE(v->mode, IN_GUEST_MODE)@p
|
 smp_store_release(&v->mode, IN_GUEST_MODE)@p
)
 ... when != smp_mb()
     when != smp_mb__after_srcu_read_unlock()
     when != smp_mb__after_atomic()
     when exists
(
 kvm_request_pending@q(w)
|
 kvm_check_request@q(..., w)
|
 kvm_vcpu_exit_request@q(w)
)

@script:python depends on report@
p << unordered.p;
q << unordered.q;
@@
print(f"{q[0].file}:{q[0].line}: KICK004: no full barrier since line {p[0].line}")
