/* SPDX-License-Identifier: BSD-2-Clause */
/* A name with several addresses: which one is taken, and what is said when none does. */
#include "base/error.h"
#include "export/reach.h"
#include "unit.h"

/* A name of the test's own, whose addresses are 192.0.2.1, 192.0.2.2, ... */
#define PLACE_TYPE (place_get_type())
G_DECLARE_FINAL_TYPE(Place, place, WEIR, PLACE, GSocketAddressEnumerator)

struct _Place {
	GSocketAddressEnumerator parent;
	guint addresses;
	guint given;
};

static GSocketAddress *place_next(GSocketAddressEnumerator *enumerator, GCancellable *stop,
				  GError **error)
{
	Place *place = WEIR_PLACE(enumerator);
	g_autofree char *text = g_strdup_printf("192.0.2.%u", place->given + 1);

	if (g_cancellable_set_error_if_cancelled(stop, error) || place->given == place->addresses)
		return NULL;
	place->given++;
	return g_inet_socket_address_new_from_string(text, 4740);
}

static GSocketAddressEnumerator *place_enumerate(GSocketConnectable *connectable)
{
	return g_object_ref(G_SOCKET_ADDRESS_ENUMERATOR(connectable));
}

static void place_connectable(GSocketConnectableIface *interface)
{
	interface->enumerate = place_enumerate;
}

G_DEFINE_TYPE_WITH_CODE(Place, place, G_TYPE_SOCKET_ADDRESS_ENUMERATOR,
			G_IMPLEMENT_INTERFACE(G_TYPE_SOCKET_CONNECTABLE, place_connectable))

static void place_class_init(PlaceClass *class)
{
	G_SOCKET_ADDRESS_ENUMERATOR_CLASS(class)->next = place_next;
}

static void place_init(Place *place)
{
	place->given = 0;
}

/* What happens at each address: NULL, it does. */
struct attempts {
	const char *const *says;
	guint made;
	GCancellable *stop_at_last;
};

static bool attempt(void *data, GSocketAddress *address, GCancellable *stop, GError **error)
{
	struct attempts *attempts = data;
	const char *what = attempts->says[attempts->made++];

	(void)address;
	(void)stop;
	if (!what)
		return true;
	g_set_error_literal(error, WEIR_ERROR, WEIR_ERROR_FAILED, what);
	if (attempts->stop_at_last && !attempts->says[attempts->made])
		g_cancellable_cancel(attempts->stop_at_last);
	return false;
}

static bool reach(guint addresses, struct attempts *attempts, GError **error)
{
	g_autoptr(Place) place = g_object_new(PLACE_TYPE, NULL);

	place->addresses = addresses;
	return reach_any(G_SOCKET_CONNECTABLE(place), attempt, attempts, attempts->stop_at_last,
			 error);
}

static void check_error(const char *const *says, guint addresses, const char *wanted)
{
	struct attempts attempts = { .says = says };
	g_autoptr(GError) error = NULL;

	CU_ASSERT_FALSE_FATAL(reach(addresses, &attempts, &error));
	CU_ASSERT_STRING_EQUAL(error ? error->message : "", wanted);
	CU_ASSERT_EQUAL(attempts.made, addresses);
}

static void test_errors(void)
{
	static const char *const differ[] = { "nobody answers", "it refuses", NULL };
	static const char *const same[] = { "nobody answers", "nobody answers", NULL };

	check_error(differ, 2, "192.0.2.1:4740: nobody answers; 192.0.2.2:4740: it refuses");
	check_error(same, 2, "nobody answers");
	check_error(differ, 1, "nobody answers");
	check_error(differ, 0, "the name has no address");
}

static void test_second(void)
{
	static const char *const says[] = { "nobody answers", NULL };
	struct attempts attempts = { .says = says };
	g_autoptr(GError) error = NULL;

	CU_ASSERT_TRUE(reach(3, &attempts, &error));
	CU_ASSERT_PTR_NULL(error);
	CU_ASSERT_EQUAL(attempts.made, 2);
}

static void test_stopped(void)
{
	static const char *const says[] = { "nobody answers", NULL };
	g_autoptr(GCancellable) stop = g_cancellable_new();
	struct attempts attempts = { .says = says, .stop_at_last = stop };
	g_autoptr(GError) error = NULL;

	CU_ASSERT_FALSE(reach(3, &attempts, &error));
	CU_ASSERT_TRUE(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
	CU_ASSERT_EQUAL(attempts.made, 1);
}

static CU_TestInfo tests[] = {
	{ "what came of each address is said", test_errors },
	{ "the first that does is taken", test_second },
	{ "who is stopped tries no more", test_stopped },
	CU_TEST_INFO_NULL,
};

CU_SuiteInfo test_suites[] = {
	{ "reach", NULL, NULL, NULL, NULL, tests },
	CU_SUITE_INFO_NULL,
};
