// How the prelude refuses what Drizzle Kit refuses, and says where.
(function (rg) {
  "use strict";

  // Drizzle Kit refuses such schemas too; the message says which rule was broken.
  rg.reject = (message) => Object.assign(new Error(message), { raingaugeRejected: true });

  // Errors while a table is described have no useful stack: they say at least which table it was.
  rg.within = (what, describe) => {
    try {
      return describe();
    } catch (error) {
      if (error instanceof Error && !error.raingaugeRejected) error.message = `${what}: ${error.message}`;
      throw error;
    }
  };
})
